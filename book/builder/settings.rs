//! What `book.toml` says to the builder, in `[preprocessor.steps]`.

use std::path::Path;

use anyhow::{Context as _, Result};
use mdbook_driver::config::Config;
use serde::Deserialize;

use crate::files::read;

/// The least that a chapter shows, in percent, unless the settings say otherwise.
const LEAST_SHOWN: u32 = 75;

/// The settings of the builder.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Where the captions of the listings lead; to copies in the site by default.
    pub sources_url: Option<String>,
    /// The least share, in percent, of a step's changed lines that its chapter shows unfolded.
    pub least_shown: u32,
    /// The name of the EPUB and of the PDF, without what it ends in.
    pub file_name: String,
    /// The parts that begin another volume of the PDF.
    pub volumes: Vec<String>,
    /// How many exercises still lack a solution.
    pub without_solution: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            sources_url: None,
            least_shown: LEAST_SHOWN,
            file_name: "livre".to_owned(),
            volumes: Vec::new(),
            without_solution: 0,
        }
    }
}

/// Reads `book.toml`: what mdBook reads there, and what we do.
pub fn load(book: &Path) -> Result<(Config, Settings)> {
    let path = book.join("book.toml");
    let shown = || format!("can't read {}", path.display());
    let mut table: toml::Table = read(&path)?.parse().with_context(shown)?;
    let preprocessors = table
        .get_mut("preprocessor")
        .and_then(|table| table.as_table_mut());
    let ours = preprocessors.and_then(|table| table.remove("steps"));
    let settings = ours.map_or_else(|| Ok(Settings::default()), toml::Value::try_into);
    let config = table.to_string().parse().with_context(shown)?;
    Ok((config, settings.with_context(shown)?))
}
