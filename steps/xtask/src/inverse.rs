//! Finds edits that were made in one step and not carried to the next ones.
//!
//! Such an edit shows in two patches: the edited step's gains it, and the patch of the first step
//! that didn't get it undoes it.

use std::collections::BTreeSet;
use std::fmt;

use crate::patch::Balance;
use crate::{Change, Hunk, Tag};

/// What a step's patch gained since it was committed.
pub(crate) struct Growth {
    slug: String,
    changes: Vec<Change>,
    gained: Balance,
}

/// An edit that stopped on its way.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    edited: String,
    reached: String,
    missing: String,
    files: Vec<String>,
}

impl Growth {
    pub(crate) fn new(slug: &str, changes: Vec<Change>, before: &Balance, now: Balance) -> Self {
        let mut gained = now;
        for (path, lines) in before {
            let file = gained.entry(path.clone()).or_default();
            for (line, count) in lines {
                *file.entry(line.clone()).or_default() -= count;
            }
        }
        Self {
            slug: slug.to_owned(),
            changes,
            gained,
        }
    }

    fn gained(&self, path: &str, line: &str) -> i64 {
        let file = self.gained.get(path);
        file.and_then(|lines| lines.get(line)).copied().unwrap_or(0)
    }

    /// Whether this step undoes, in this file, something that `edited` gained.
    fn undoes(&self, edited: &Growth, change: &Change) -> bool {
        let hunks = change.hunks();
        hunks.iter().flat_map(runs).any(|run| {
            let undone = |(tag, text): &(Tag, &str)| {
                let gained = edited.gained(&change.path, text);
                let lost = -self.gained(&change.path, text);
                match tag {
                    Tag::Deleted => gained > 0 && lost > 0,
                    Tag::Added => gained < 0 && lost < 0,
                    Tag::Kept => false,
                }
            };
            run.iter().all(undone)
        })
    }
}

/// The runs of changed lines of a hunk, without the lines that say nothing (braces, blank lines).
fn runs(hunk: &Hunk) -> Vec<Vec<(Tag, &str)>> {
    let telling = |text: &str| text.chars().any(char::is_alphanumeric);
    let mut runs = vec![Vec::new()];
    for line in &hunk.lines {
        match (line.tag, runs.last_mut()) {
            (Tag::Kept, _) => runs.push(Vec::new()),
            (tag, Some(run)) if telling(&line.text) => run.push((tag, line.text.as_str())),
            _ => {}
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

/// Looks, for each step that gained something, for the first later step that undoes it.
pub(crate) fn find(steps: &[Growth]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, edited) in steps.iter().enumerate() {
        let mut searched = BTreeSet::new();
        for (reached, step) in steps[index..].iter().zip(&steps[index + 1..]) {
            let undone = step
                .changes
                .iter()
                .filter(|change| step.undoes(edited, change));
            let files: Vec<String> = undone
                .map(|change| change.path.clone())
                .filter(|path| searched.insert(path.clone()))
                .collect();
            if !files.is_empty() {
                findings.push(Finding {
                    edited: edited.slug.clone(),
                    reached: reached.slug.clone(),
                    missing: step.slug.clone(),
                    files,
                });
            }
        }
    }
    findings
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            edited,
            reached,
            missing,
            files,
        } = self;
        let files = files.join(", ");
        write!(
            formatter,
            "`{missing}` undoes what `{edited}` gained in {files}: looks like an edit of `{edited}` that was not propagated: run `cargo xtask propagate {reached}` (with `--base REV` if the edit is committed, REV being a commit from before it)"
        )
    }
}
