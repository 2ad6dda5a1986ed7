//! `{{#steps}}`: the map of the steps and of the parts of the series.

use std::fmt::Write as _;

use anyhow::{Result, ensure};
use xtask::Size;

use crate::page::Page;
use crate::series;

/// The table of the steps.
pub fn table(page: &Page) -> Result<String> {
    let library = page.library;
    let mut rows = String::new();
    for step in library.steps().iter() {
        let part = match step.part {
            Some(part) => {
                let (address, name) = (series::address(part), series::name(part)?);
                format!("<a href=\"{address}\">{name}</a>")
            }
            None => "–".to_owned(),
        };
        let Size { added, deleted, .. } = Size::of(library.changes(step));
        let _ = write!(
            rows,
            "<tr><td class=\"number\">{}</td><td>{}</td><td>{}</td>\
             <td class=\"number add\">+{added}</td><td class=\"number del\">−{deleted}</td></tr>",
            step.number,
            page.chapter_link(step),
            part,
        );
    }
    ensure!(!rows.is_empty(), "there is no step to list");
    Ok(format!(
        "<div class=\"wide\"><table class=\"steps\"><thead><tr><th>Étape</th><th>Titre</th>\
         <th>Partie de la série</th><th colspan=\"2\">Lignes de <code>src/</code> et <code>migrations/</code></th></tr></thead>\
         <tbody>{rows}</tbody></table></div>"
    ))
}
