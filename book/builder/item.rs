//! Finds an item of a file by its name.

pub mod cargo;
pub mod rust;
pub mod sql;

use std::ops::RangeInclusive;

use anyhow::{Result, bail};

/// Lines of a file, from 1.
pub type Lines = RangeInclusive<usize>;

/// Where an item stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its lines, with its documentation and attributes.
    pub lines: Lines,
    /// What it stands in, for instance `impl Store`.
    pub within: Option<String>,
}

impl Place {
    /// An item that stands in nothing but its file.
    pub fn top(lines: Lines) -> Self {
        Self {
            lines,
            within: None,
        }
    }
}

/// Finds `name` in the text of the file `path`, whose extension tells the language.
pub fn find(path: &str, text: &str, name: &str) -> Result<Place> {
    let places = match path.rsplit('.').next() {
        Some("rs") => rust::find(text, name)?,
        Some("sql") => sql::find(text, name),
        Some("toml") => cargo::find(text, name),
        _ => bail!("items are found in .rs, .sql and .toml files, not in {path}"),
    };
    match places.as_slice() {
        [place] => Ok(place.clone()),
        [] => bail!("{path} has no item `{name}`"),
        several => {
            let lines: Vec<_> = several.iter().map(|place| place.lines.start()).collect();
            bail!(
                "{path} has {} items `{name}`, at lines {lines:?}",
                several.len()
            )
        }
    }
}

/// What each of these lines stands in, from the outside in: `impl Store`, `Store::end`. An item that
/// begins at the line isn't counted: one sees it.
pub fn scopes(path: &str, text: &str, lines: &[usize]) -> Vec<Vec<String>> {
    match path.rsplit('.').next() {
        Some("rs") => rust::scopes(text, lines),
        Some("toml") => cargo::scopes(text, lines),
        _ => vec![Vec::new(); lines.len()],
    }
}

/// What each of these lines comes after, if an item begins there and is not the first one.
pub fn predecessors(path: &str, text: &str, lines: &[usize]) -> Vec<Option<String>> {
    match path.rsplit('.').next() {
        Some("rs") => rust::predecessors(text, lines),
        _ => vec![None; lines.len()],
    }
}

/// The lines of `text` that `lines` selects, less the indentation they share.
pub fn extract(text: &str, lines: &Lines) -> String {
    let count = lines.end() + 1 - lines.start();
    let selected: Vec<&str> = text.lines().skip(lines.start() - 1).take(count).collect();
    let indentation = selected
        .iter()
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.len() - line.trim_start_matches(' ').len())
        .min()
        .unwrap_or(0);
    let shifted: Vec<&str> = selected
        .iter()
        .map(|line| line.get(indentation..).unwrap_or_default())
        .collect();
    shifted.join("\n")
}

/// Moves `start` up over the comment lines that stick to it.
fn with_comments(text: &str, start: usize, is_comment: impl Fn(&str) -> bool) -> usize {
    let before: Vec<&str> = text.lines().take(start - 1).collect();
    let above = before
        .iter()
        .rev()
        .take_while(|line| is_comment(line.trim_start()));
    start - above.count()
}
