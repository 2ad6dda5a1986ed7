//! How much of what a step changes is in the text of its chapter.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use xtask::{Change, counts};

use crate::coverage::Coverage;
use crate::diff::matters;
use crate::files;
use crate::problem::Problem;

/// Where it is committed, for `cargo xtask list`.
const FILE: &str = "book/shown.json";

/// A percentage by slug.
pub type Shown = BTreeMap<String, u32>;

/// The share of the changed lines of `src/` and `migrations/` that were shown; blank ones don't count.
#[must_use]
pub fn percentage(changes: &[Change], coverage: &Coverage) -> u32 {
    let (mut all, mut missing) = (0, 0);
    for change in changes.iter().filter(|change| counts(&change.path)) {
        all += change.lines.iter().filter(|line| matters(line)).count();
        missing += coverage.missing(change).len();
    }
    let percentage = ((all - missing) * 100).checked_div(all).unwrap_or(100);
    u32::try_from(percentage).unwrap_or(100)
}

/// Writes the percentages down.
///
/// # Errors
/// When the file can't be written.
pub fn write(root: &Path, shown: &Shown) -> Result<()> {
    files::write(&root.join(FILE), &text(shown)?)
}

/// What is wrong with the file, if it isn't what the book shows.
///
/// # Errors
/// Never, as percentages have a text.
pub fn check(root: &Path, shown: &Shown) -> Result<Option<Problem>> {
    let written = files::read(&root.join(FILE)).unwrap_or_default();
    let message = "is stale: run cargo run -p book, and commit it";
    Ok((written != text(shown)?).then(|| Problem::of(FILE, message)))
}

fn text(shown: &Shown) -> Result<String> {
    Ok(serde_json::to_string_pretty(shown)? + "\n")
}
