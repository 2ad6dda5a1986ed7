//! The directives of the chapters: `{{#name words…}}`.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;
use std::sync::LazyLock;

use anyhow::Result;
use regex::Regex;

use crate::files::{files, read};

static DIRECTIVE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?s)(\\?)\{\{#([A-Za-z_-]+)([^{}]*)\}\}").expect("the pattern is a constant")
});

/// mdBook's own directives, left to mdBook; those that insert files are ours
/// to refuse, because mdBook doesn't fail when they find nothing.
const OF_MDBOOK: [&str; 1] = ["title"];

/// A directive found in a chapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// What comes after `{{#`.
    pub name: String,
    /// The rest, in words.
    pub words: Vec<String>,
    /// The line of the chapter, from 1.
    pub line: usize,
    /// The bytes it takes in the chapter.
    pub range: Range<usize>,
}

/// The names in `words`, separated by commas (those of `<A, B>` aside).
pub fn names(words: &[&str]) -> Vec<String> {
    let mut names = vec![String::new()];
    let mut depth = 0;
    for character in words.join(" ").chars() {
        match character {
            '<' => depth += 1,
            '>' => depth -= 1,
            _ => {}
        }
        if character == ',' && depth == 0 {
            names.push(String::new());
        } else if let Some(name) = names.last_mut() {
            name.push(character);
        }
    }
    let trimmed = names.iter().map(|name| name.trim().to_owned());
    trimmed.filter(|name| !name.is_empty()).collect()
}

/// The directives of `text`, in order; `\{{#…}}` is text.
pub fn find(text: &str) -> Vec<Directive> {
    DIRECTIVE
        .captures_iter(text)
        .filter(|found| found[1].is_empty() && !OF_MDBOOK.contains(&&found[2]))
        .map(|found| {
            let range = found.get(0).map_or(0..0, |whole| whole.range());
            Directive {
                name: found[2].to_owned(),
                words: found[3].split_whitespace().map(str::to_owned).collect(),
                line: line_of(text, range.start),
                range,
            }
        })
        .collect()
}

/// What the directives of this name begin with, in all the chapters of the repository at `root`.
///
/// # Errors
/// When a chapter can't be read.
pub fn first_words(root: &Path, name: &str) -> Result<BTreeSet<String>> {
    let mut words = BTreeSet::new();
    for chapter in files(&root.join("book/src"))? {
        if chapter.extension().is_some_and(|end| end == "md") {
            let found = find(&read(&chapter)?).into_iter();
            let named = found.filter(|directive| directive.name == name);
            words.extend(named.filter_map(|directive| directive.words.into_iter().next()));
        }
    }
    Ok(words)
}

/// The line of the byte at `offset`, from 1.
pub fn line_of(text: &str, offset: usize) -> usize {
    text[..offset].matches('\n').count() + 1
}

/// Whether the directive has its lines for itself, between blank lines.
///
/// Markdown takes the line after an HTML block for a part of it: the text of
/// that line would come out unformatted.
pub fn stands_alone(text: &str, range: &Range<usize>) -> bool {
    let before = &text[..range.start];
    let after = &text[range.end..];
    let line_before = before.rsplit('\n').next().unwrap_or_default();
    let mut lines_after = after.split('\n');
    line_before.trim().is_empty()
        && lines_after.next().is_none_or(|line| line.trim().is_empty())
        && lines_after.next().is_none_or(|line| line.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directive_has_words_and_a_line() {
        let found = find("one\n\n{{#item loop src/worker.rs impl Worker}}\n\\{{#item a b c}}\n");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].line, 3);
        assert_eq!(found[0].words, ["loop", "src/worker.rs", "impl", "Worker"]);
    }

    #[test]
    fn commas_separate_names_but_not_type_parameters() {
        let words = ["impl", "From<A,", "B>", "for", "C,", "run"];
        assert_eq!(names(&words), ["impl From<A, B> for C", "run"]);
    }

    #[test]
    fn a_neighbour_on_the_next_line_is_seen() {
        let text = "{{#steps}}\ntext";
        assert!(!stands_alone(text, &find(text)[0].range));
        let text = "a\n\n{{#steps}}\n\ntext";
        assert!(stands_alone(text, &find(text)[0].range));
    }
}
