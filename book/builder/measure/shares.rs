//! `{{#shares}}`: where the processor time of a drained task goes, as `profile` has seen it.

use std::cmp::Reverse;

use anyhow::{Context as _, Result};

use super::{measured, output};
use crate::html;
use crate::library::Library;

/// What `profile` calls each part, and its French.
const PARTS: [(&str, &str); 6] = [
    (
        "executing and passing on",
        "Exécuter, et passer d’un thread à l’autre",
    ),
    (
        "searching the next tasks",
        "Chercher les tâches qui viennent",
    ),
    (
        "transactions and their file",
        "Ouvrir, valider, écrire dans le fichier",
    ),
    ("writing that they run", "Noter que les tâches tournent"),
    ("writing that they have ended", "Noter qu’elles sont finies"),
    ("writing the log", "Écrire le journal"),
];

/// The largest one first, each with a bar.
pub(crate) fn table(library: &Library) -> Result<String> {
    let measured = measured(library)?;
    let mut parts = PARTS
        .iter()
        .map(|(name, french)| {
            let name = format!("share of a drained task, {name}");
            let figure = measured.figure(&name, "engine")?;
            let share = figure.trim_end_matches(" %").parse::<u8>();
            let share = share.with_context(|| format!("{name}: {figure} is no share"))?;
            Ok((share, *french, output::french(figure)?))
        })
        .collect::<Result<Vec<_>>>()?;
    parts.sort_by_key(|(share, ..)| Reverse(*share));
    let rows = parts.iter().map(|(share, french, figure)| {
        let name = html::escape(french);
        format!(
            "<tr><th scope=\"row\">{name}</th><td>{figure}</td>\
             <td><span style=\"inline-size: {share}%\"></span></td></tr>"
        )
    });
    let rows: String = rows.collect();
    Ok(format!(
        "<div class=\"table-wrapper\"><table class=\"shares\"><tbody>{rows}</tbody></table></div>"
    ))
}
