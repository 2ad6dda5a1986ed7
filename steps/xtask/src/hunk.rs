//! Hunks: the readable unit of a difference.

use std::fmt;
use std::path::Path;

use similar::{Algorithm, ChangeTag, DiffOp, TextDiff, group_diff_ops};

use crate::Change;
use crate::enclosing::enclosing_item;
use crate::slide::slide;

/// Unchanged lines shown around a change.
const CONTEXT: usize = 3;

/// A run of changed lines, with the unchanged ones around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hunk {
    /// The first line in the old text, from 1; when `old_len` is 0, the line it comes after.
    pub old_start: usize,
    /// How many lines of the old text the hunk covers.
    pub old_len: usize,
    /// The first line in the new text, from 1; when `new_len` is 0, the line it comes after.
    pub new_start: usize,
    /// How many lines of the new text the hunk covers.
    pub new_len: usize,
    /// The first line of the Rust item around the hunk, when the hunk doesn't show it.
    pub item: Option<String>,
    /// The lines, in order.
    pub lines: Vec<Line>,
}

/// One line of a hunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What became of the line.
    pub tag: Tag,
    /// Its text, without the end of line.
    pub text: String,
    /// Whether an end of line follows; false only at the end of a file that lacks it.
    pub ended: bool,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// It is in both texts.
    Kept,
    /// It is in the old text only.
    Deleted,
    /// It is in the new text only.
    Added,
}

impl Change {
    /// The hunks of the change, in order, with three lines of context.
    #[must_use]
    pub fn hunks(&self) -> Vec<Hunk> {
        let diff = self.compare();
        let old_lines: Vec<&str> = diff.iter_old_slices().collect();
        let ops = readable_ops(&diff);
        let rust = Path::new(&self.path)
            .extension()
            .is_some_and(|extension| extension == "rs");
        group_diff_ops(ops, CONTEXT)
            .iter()
            .filter(|group| !group.is_empty())
            .map(|group| hunk(group, &diff, &old_lines, rust))
            .collect()
    }

    /// Every line of both texts, in order.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        let diff = self.compare();
        readable_ops(&diff)
            .iter()
            .flat_map(|op| diff.iter_changes(op))
            .map(|change| line(change.tag(), change.value()))
            .collect()
    }

    /// How many lines the change adds and deletes.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        let lines = self.lines();
        let count = |tag| lines.iter().filter(|line| line.tag == tag).count();
        (count(Tag::Added), count(Tag::Deleted))
    }

    fn compare(&self) -> TextDiff<'_, '_, str> {
        let old = self.old.as_deref().unwrap_or_default();
        let new = self.new.as_deref().unwrap_or_default();
        // Compared to Myers, Histogram doesn't pair the braces and blank lines of unrelated items.
        TextDiff::configure()
            .algorithm(Algorithm::Histogram)
            .diff_lines(old, new)
    }
}

fn readable_ops(diff: &TextDiff<'_, '_, str>) -> Vec<DiffOp> {
    let old: Vec<&str> = diff.iter_old_slices().collect();
    let new: Vec<&str> = diff.iter_new_slices().collect();
    slide(diff.ops(), &old, &new)
}

fn hunk(group: &[DiffOp], diff: &TextDiff<'_, '_, str>, old: &[&str], rust: bool) -> Hunk {
    let (old_start, old_len) = span(group, DiffOp::old_range);
    let (new_start, new_len) = span(group, DiffOp::new_range);
    let lines: Vec<Line> = group
        .iter()
        .flat_map(|op| diff.iter_changes(op))
        .map(|change| line(change.tag(), change.value()))
        .collect();
    let item = rust
        .then(|| enclosing_item(old, old_start, &lines))
        .flatten();
    // A unified diff counts from 1, except for an empty range, given by the line before it.
    Hunk {
        old_start: old_start + usize::from(old_len > 0),
        old_len,
        new_start: new_start + usize::from(new_len > 0),
        new_len,
        item,
        lines,
    }
}

fn span(group: &[DiffOp], range: fn(&DiffOp) -> std::ops::Range<usize>) -> (usize, usize) {
    let start = group.first().map_or(0, |op| range(op).start);
    let end = group.last().map_or(0, |op| range(op).end);
    (start, end - start)
}

fn line(tag: ChangeTag, text: &str) -> Line {
    let tag = match tag {
        ChangeTag::Equal => Tag::Kept,
        ChangeTag::Delete => Tag::Deleted,
        ChangeTag::Insert => Tag::Added,
    };
    let stripped = text.strip_suffix('\n');
    Line {
        tag,
        text: stripped.unwrap_or(text).to_owned(),
        ended: stripped.is_some(),
    }
}

impl Hunk {
    /// The hunk's first line in a unified diff: `@@ -1,7 +1,8 @@ impl Worker {`.
    #[must_use]
    pub fn header(&self) -> String {
        let range = |start: usize, len: usize| match len {
            1 => start.to_string(),
            _ => format!("{start},{len}"),
        };
        let old = range(self.old_start, self.old_len);
        let new = range(self.new_start, self.new_len);
        let item = self.item.as_deref().unwrap_or_default();
        format!("@@ -{old} +{new} @@ {item}").trim_end().to_owned()
    }
}

impl fmt::Display for Line {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.tag {
            Tag::Kept => ' ',
            Tag::Deleted => '-',
            Tag::Added => '+',
        };
        writeln!(formatter, "{sign}{}", self.text)?;
        if !self.ended {
            writeln!(formatter, "\\ No newline at end of file")?;
        }
        Ok(())
    }
}
