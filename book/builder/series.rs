//! The series that the book mirrors.

use anyhow::{Context as _, Result};

const ADDRESS: &str = "https://archiloque.net/blog/task-engine-ruby/task-engine-ruby.html";

const TITLES: [&str; 12] = [
    "introduction",
    "la boucle de traitement",
    "le début de la persistance",
    "l’arrêt",
    "le redémarrage",
    "le paramétrage des tâches",
    "l’ajout de tâches",
    "le monitoring unitaire",
    "la planification",
    "la gestion d’erreurs",
    "sa conclusion",
    "son annexe, le code source",
];

/// The title of a part, from 1 to 12.
pub fn title(part: u32) -> Result<&'static str> {
    let index = usize::try_from(part).unwrap_or(0).wrapping_sub(1);
    TITLES
        .get(index)
        .copied()
        .with_context(|| format!("the series has no part {part}: its parts are 1 to 12"))
}

/// What the series calls a part, which ends with a conclusion and an annex.
pub fn name(part: u32) -> Result<String> {
    Ok(match part {
        11 => "Conclusion".to_owned(),
        12 => "Annexe\u{a0}: le code source".to_owned(),
        _ => format!("Partie {part}\u{a0}: {}", title(part)?),
    })
}

/// The address of a part.
pub fn address(part: u32) -> String {
    format!("{ADDRESS}#MDT-{part:02}")
}

/// The line that sends the reader to a part.
pub fn part(word: &str) -> Result<String> {
    let part = word
        .parse()
        .with_context(|| format!("`{word}` isn't the number of a part"))?;
    let part_of = match part {
        11 | 12 => "La série".to_owned(),
        _ => format!("Partie {part} de la série"),
    };
    Ok(format!(
        "<p class=\"part\">{part_of}\u{a0}: <a href=\"{}\">{}</a></p>",
        address(part),
        title(part)?
    ))
}
