//! Which changed lines of a step its chapter has shown.

use std::collections::BTreeSet;

use xtask::{Change, Line, Tag};

use crate::diff::matters;
use crate::item::Lines;

/// The lines shown so far, in the chapter of one step.
#[derive(Debug, Default)]
pub struct Coverage {
    shown: BTreeSet<(String, Tag, usize)>,
}

impl Coverage {
    /// Notes that these lines of a diff were shown.
    pub fn diff<'a>(&mut self, path: &str, lines: impl IntoIterator<Item = &'a Line>) {
        for line in lines {
            self.shown.insert(key(path, line));
        }
    }

    /// Notes that these lines of the step's file were shown, as a listing.
    pub fn listing(&mut self, path: &str, lines: Lines) {
        for number in lines {
            self.shown.insert((path.to_owned(), Tag::Added, number));
        }
    }

    /// Whether something of a file was shown.
    pub fn has_shown(&self, path: &str) -> bool {
        self.shown.iter().any(|(other, ..)| other == path)
    }

    /// The changed lines of a change that were not shown.
    pub fn missing<'a>(&self, change: &'a Change) -> Vec<&'a Line> {
        let unseen = |line: &&Line| matters(line) && !self.shown.contains(&key(&change.path, line));
        change.lines.iter().filter(unseen).collect()
    }
}

fn key(path: &str, line: &Line) -> (String, Tag, usize) {
    (path.to_owned(), line.tag, number(line))
}

/// The number of a line, in the text where the reader would look for it.
fn number(line: &Line) -> usize {
    line.new.or(line.old).unwrap_or(0)
}

/// Says which lines are missing, as «added lines 3-7 and 12, deleted line 4».
pub fn describe(lines: &[&Line]) -> String {
    let side = |side, name: &str| {
        let numbers: Vec<usize> = lines
            .iter()
            .filter(|line| line.tag == side)
            .map(|line| number(line))
            .collect();
        (!numbers.is_empty()).then(|| format!("{name} {}", ranges(&numbers)))
    };
    let sides = [
        side(Tag::Added, "added lines"),
        side(Tag::Deleted, "deleted lines"),
    ];
    let sides: Vec<String> = sides.into_iter().flatten().collect();
    sides.join("; ")
}

fn ranges(numbers: &[usize]) -> String {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for &number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let texts: Vec<String> = runs
        .iter()
        .map(|(first, last)| {
            if first == last {
                first.to_string()
            } else {
                format!("{first}-{last}")
            }
        })
        .collect();
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_numbers_are_joined() {
        assert_eq!(ranges(&[1, 2, 3, 7, 9, 10]), "1-3, 7, 9-10");
    }
}
