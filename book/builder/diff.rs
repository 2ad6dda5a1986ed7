//! The difference that a step makes in one file.

use std::ops::RangeInclusive;

use anyhow::{Result, bail};
use xtask::{Change, Tag};

use crate::html;
use crate::item;

/// Unchanged lines shown around a change.
const CONTEXT: usize = 3;

/// Lines of a file, from 1.
pub type Lines = RangeInclusive<usize>;

/// What happens to a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// It was there, and stays.
    Kept,
    /// It was there, and goes.
    Deleted,
    /// It comes.
    Added,
}

/// A line of a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What happens to it.
    pub side: Side,
    /// Its number in the old text.
    pub old: Option<usize>,
    /// Its number in the new text.
    pub new: Option<usize>,
    /// Its text, without the line feed.
    pub text: String,
}

impl Line {
    /// Whether a reader must see it: it changes, and says something.
    #[must_use]
    pub fn matters(&self) -> bool {
        self.side != Side::Kept && !self.text.trim().is_empty()
    }

    /// Its number, in the text where the reader would look for it.
    #[must_use]
    pub fn number(&self) -> usize {
        self.new.or(self.old).unwrap_or(0)
    }
}

/// The difference in one file.
#[derive(Clone, Debug)]
pub struct FileDiff {
    /// The file, relative to the folder of the step.
    pub path: String,
    /// The text of the previous step.
    pub old: Option<String>,
    /// The text of the step.
    pub new: Option<String>,
    /// Every line of both.
    pub lines: Vec<Line>,
}

impl FileDiff {
    /// Compares the two texts of `change`.
    #[must_use]
    pub fn new(change: &Change) -> Self {
        let (mut old, mut new) = (0, 0);
        let next = |number: &mut usize| {
            *number += 1;
            Some(*number)
        };
        let lines = change.lines().into_iter().map(|line| {
            let (side, old, new) = match line.tag {
                Tag::Kept => (Side::Kept, next(&mut old), next(&mut new)),
                Tag::Deleted => (Side::Deleted, next(&mut old), None),
                Tag::Added => (Side::Added, None, next(&mut new)),
            };
            let text = line.text;
            Line {
                side,
                old,
                new,
                text,
            }
        });
        Self {
            path: change.path.clone(),
            old: change.old.clone(),
            new: change.new.clone(),
            lines: lines.collect(),
        }
    }

    /// How many lines come and go.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        let count = |side| self.lines.iter().filter(|line| line.side == side).count();
        (count(Side::Added), count(Side::Deleted))
    }

    /// The parts of the difference that lie in the named items of the old or
    /// of the new text.
    ///
    /// # Errors
    /// When an item is in neither text, or when it doesn't change.
    pub fn within(&self, names: &[String]) -> Result<Vec<&Line>> {
        let mut kept = vec![false; self.lines.len()];
        for name in names {
            self.mark(name, &mut kept)?;
        }
        let lines = self.lines.iter().zip(kept);
        Ok(lines
            .filter_map(|(line, keep)| keep.then_some(line))
            .collect())
    }

    fn mark(&self, name: &str, kept: &mut [bool]) -> Result<()> {
        let (old, new) = self.places(name)?;
        let within = |lines: Option<&Lines>, number: Option<usize>| {
            number.is_some_and(|number| lines.is_some_and(|lines| lines.contains(&number)))
        };
        let mut changes = 0;
        for (line, keep) in self.lines.iter().zip(kept) {
            if within(old.as_ref(), line.old) || within(new.as_ref(), line.new) {
                *keep = true;
                changes += usize::from(line.side != Side::Kept);
            }
        }
        if changes == 0 {
            bail!("`{name}` of {} doesn't change at this step", self.path);
        }
        Ok(())
    }

    fn places(&self, name: &str) -> Result<(Option<Lines>, Option<Lines>)> {
        let find = |text: Option<&String>| {
            text.map_or_else(
                || bail!("the file isn't there"),
                |text| item::find(&self.path, text, name),
            )
        };
        match (find(self.old.as_ref()), find(self.new.as_ref())) {
            (Err(_), Err(error)) => Err(error),
            (old, new) => Ok((
                old.ok().map(|place| place.lines),
                new.ok().map(|place| place.lines),
            )),
        }
    }
}

/// The changes among `lines` and the lines around them, in runs.
#[must_use]
pub fn hunks<'a>(lines: &[&'a Line]) -> Vec<Vec<&'a Line>> {
    hunks_around(lines, |line| line.side != Side::Kept)
}

/// The lines that `matters` picks and the lines around them, in runs.
pub fn hunks_around<'a>(lines: &[&'a Line], matters: impl Fn(&Line) -> bool) -> Vec<Vec<&'a Line>> {
    let mut runs: Vec<Vec<&Line>> = Vec::new();
    let mut last = None;
    for (index, line) in lines.iter().enumerate() {
        let from = index.saturating_sub(CONTEXT);
        let to = (index + CONTEXT + 1).min(lines.len());
        if !lines[from..to].iter().any(|line| matters(line)) {
            continue;
        }
        let follows = last.is_some_and(|last| last + 1 == index)
            && !lines[index - 1..=index].windows(2).any(jump);
        match runs.last_mut() {
            Some(run) if follows => run.push(line),
            _ => runs.push(vec![line]),
        }
        last = Some(index);
    }
    runs.retain(|run| run.iter().any(|line| matters(line)));
    runs
}

/// Whether lines of the file lie between these two.
fn jump(pair: &[&Line]) -> bool {
    let apart = |before: Option<usize>, after: Option<usize>| {
        before
            .zip(after)
            .is_some_and(|(before, after)| after != before + 1)
    };
    apart(pair[0].old, pair[1].old) || apart(pair[0].new, pair[1].new)
}

/// The body of a diff: coloured as a diff by the page, as code by highlight.js.
#[must_use]
pub fn body(path: &str, hunks: &[Vec<&Line>]) -> String {
    let gap = "<span class=\"gap\">⋯&#10;</span>";
    let runs: Vec<String> = hunks.iter().map(|hunk| run(hunk)).collect();
    format!(
        "<pre class=\"diff\"><code class=\"language-{}\">{}</code></pre>",
        html::language(path),
        runs.join(gap)
    )
}

fn run(lines: &[&Line]) -> String {
    let line = |line: &&Line| {
        let class = match line.side {
            Side::Kept => "same",
            Side::Deleted => "del",
            Side::Added => "add",
        };
        let text = html::escape(&line.text);
        format!("<span class=\"{class}\">{text}&#10;</span>")
    };
    lines.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diff(old: &str, new: &str) -> FileDiff {
        FileDiff::new(&Change {
            path: "src/a.rs".to_owned(),
            old: Some(old.to_owned()),
            new: Some(new.to_owned()),
        })
    }

    #[test]
    fn only_the_named_item_is_kept() {
        let diff = diff(
            "fn a() {\n}\nfn b() {\n}\n",
            "fn a() {\n    1\n}\nfn b() {\n    2\n}\n",
        );
        let lines = diff.within(&["b".to_owned()]).unwrap();
        let changed: Vec<_> = lines.iter().filter(|line| line.matters()).collect();
        assert_eq!(changed.len(), 1);
        assert_eq!(changed[0].text, "    2");
    }

    #[test]
    fn an_item_that_does_not_change_is_an_error() {
        let diff = diff("fn a() {}\nfn b() {}\n", "fn a() {}\nfn b() { 1 }\n");
        let error = diff.within(&["a".to_owned()]).unwrap_err().to_string();
        assert_eq!(error, "`a` of src/a.rs doesn't change at this step");
    }

    #[test]
    fn long_unchanged_stretches_are_cut() {
        let many = "// x\n".repeat(20);
        let diff = diff(&format!("a\n{many}b\n"), &format!("A\n{many}B\n"));
        let lines: Vec<_> = diff.lines.iter().collect();
        let hunks = hunks(&lines);
        assert_eq!(hunks.len(), 2);
        assert_eq!(hunks[0].len(), 2 + CONTEXT);
    }
}
