//! What differs between two trees, line by line.

use std::collections::BTreeSet;

use imara_diff::{Algorithm, Diff, InternedInput};

use crate::Tree;

/// Unchanged lines shown around a change.
const CONTEXT: usize = 3;

/// What became of one file between two steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The file's path, relative to the step's folder.
    pub path: String,
    /// Its text before; `None` when the file is new.
    pub old: Option<String>,
    /// Its text after; `None` when the file was deleted.
    pub new: Option<String>,
    /// Every line of both texts, in order.
    pub lines: Vec<Line>,
}

/// A line of two texts that were compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What became of it.
    pub tag: Tag,
    /// Its number in the old text, from 1.
    pub old: Option<usize>,
    /// Its number in the new text, from 1.
    pub new: Option<usize>,
    /// Its text, with its end of line, which the last one of a file may lack.
    pub text: String,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tag {
    /// It is in both texts.
    Kept,
    /// It is in the old text only.
    Deleted,
    /// It is in the new text only.
    Added,
}

/// The files that differ between two trees, sorted by path.
#[must_use]
pub fn compare(old: &Tree, new: &Tree) -> Vec<Change> {
    let paths: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    paths
        .into_iter()
        .filter(|path| old.get(*path) != new.get(*path))
        .map(|path| Change::new(path, old.get(path).cloned(), new.get(path).cloned()))
        .collect()
}

impl Change {
    /// Compares two texts of a file.
    #[must_use]
    pub fn new(path: &str, old: Option<String>, new: Option<String>) -> Self {
        Self {
            path: path.to_owned(),
            lines: lines(
                old.as_deref().unwrap_or_default(),
                new.as_deref().unwrap_or_default(),
            ),
            old,
            new,
        }
    }

    /// How many lines the change adds and deletes.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        let count = |tag| self.lines.iter().filter(|line| line.tag == tag).count();
        (count(Tag::Added), count(Tag::Deleted))
    }
}

/// As git does by default for people: the histogram pairs no braces of unrelated items, and the
/// heuristic makes a change begin and end where the indentation does.
fn lines(old: &str, new: &str) -> Vec<Line> {
    let input = InternedInput::new(old, new);
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_lines(&input);
    let mut old = (0..).zip(old.split_inclusive('\n')).peekable();
    let mut new = (0..).zip(new.split_inclusive('\n')).peekable();
    let mut lines = Vec::new();
    let (mut old_number, mut new_number) = (0, 0);
    loop {
        let deleted = old.next_if(|(index, _)| diff.is_removed(*index));
        let added = match deleted {
            None => new.next_if(|(index, _)| diff.is_added(*index)),
            Some(_) => None,
        };
        let (tag, text) = match (deleted, added) {
            (Some((_, text)), _) => (Tag::Deleted, text),
            (None, Some((_, text))) => (Tag::Added, text),
            (None, None) => match (old.next(), new.next()) {
                (Some((_, text)), Some(_)) => (Tag::Kept, text),
                _ => return lines,
            },
        };
        old_number += usize::from(tag != Tag::Added);
        new_number += usize::from(tag != Tag::Deleted);
        lines.push(Line {
            tag,
            old: (tag != Tag::Added).then_some(old_number),
            new: (tag != Tag::Deleted).then_some(new_number),
            text: text.to_owned(),
        });
    }
}

/// The lines that matter and three lines around them, as far as they are `shown`, in runs.
pub fn hunks(
    lines: &[Line],
    shown: impl Fn(&Line) -> bool,
    matters: impl Fn(&Line) -> bool,
) -> Vec<Vec<&Line>> {
    let matters = |line: &Line| shown(line) && matters(line);
    let near = |index: usize| {
        let from = index.saturating_sub(CONTEXT);
        let to = lines.len().min(index + CONTEXT + 1);
        lines[from..to].iter().any(matters)
    };
    let picked: Vec<(usize, &Line)> = lines
        .iter()
        .enumerate()
        .filter(|(index, line)| near(*index) && shown(line))
        .collect();
    picked
        .chunk_by(|(before, _), (after, _)| before + 1 == *after)
        .map(|run| run.iter().map(|(_, line)| *line).collect::<Vec<_>>())
        .filter(|run| run.iter().any(|line| matters(line)))
        .collect()
}
