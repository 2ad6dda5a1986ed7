//! The words that change inside a changed line.

use std::ops::Range;
use std::sync::LazyLock;

use imara_diff::{Algorithm, Diff, InternedInput};
use regex::Regex;
use xtask::{Line, Tag};

/// The least share, in percent, that two lines have in common, or one doesn't replace the other.
const LEAST_COMMON: usize = 50;

static WORD: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\w+|\s+|[^\w\s]").expect("the pattern is a constant"));

/// The bytes of some words of a line.
pub type Words = Vec<Range<usize>>;

/// For each line of a hunk, the words that are not in the line that replaces it, or that it
/// replaces; none in a line that stands alone.
pub fn changed(hunk: &[&Line]) -> Vec<Words> {
    let mut changed = vec![Words::new(); hunk.len()];
    let mut start = 0;
    for block in hunk.chunk_by(|before, after| {
        before.tag == after.tag || (before.tag, after.tag) == (Tag::Deleted, Tag::Added)
    }) {
        let deleted = block.iter().filter(|line| line.tag == Tag::Deleted).count();
        let (mut next, end) = (start + deleted, start + block.len());
        for old in start..start + deleted {
            let pairs = (next..end).map(|new| (new, Pair::of(&hunk[old].text, &hunk[new].text)));
            // The first of the best ones.
            let best = pairs.rev().max_by_key(|(_, pair)| pair.common);
            if let Some((new, pair)) = best.filter(|(_, pair)| pair.common >= LEAST_COMMON) {
                changed[old] = pair.old;
                changed[new] = pair.new;
                next = new + 1;
            }
        }
        start = end;
    }
    changed
}

/// What two lines don't share, and the share of what they do, in percent.
struct Pair {
    old: Words,
    new: Words,
    common: usize,
}

impl Pair {
    fn of(old: &str, new: &str) -> Self {
        let split = |text| {
            WORD.find_iter(text)
                .map(|word| word.range())
                .collect::<Words>()
        };
        let (old_words, new_words) = (split(old), split(new));
        let mut input = InternedInput::default();
        input.update_before(old_words.iter().map(|word| &old[word.clone()]));
        input.update_after(new_words.iter().map(|word| &new[word.clone()]));
        let diff = Diff::compute(Algorithm::Myers, &input);
        let kept = (0..)
            .zip(&old_words)
            .filter(|(index, _)| !diff.is_removed(*index));
        let kept: usize = kept.map(|(_, word)| letters(&old[word.clone()])).sum();
        Self {
            old: join(old, &old_words, |index| diff.is_removed(index)),
            new: join(new, &new_words, |index| diff.is_added(index)),
            common: (200 * kept)
                .checked_div(letters(old) + letters(new))
                .unwrap_or(0),
        }
    }
}

fn letters(text: &str) -> usize {
    text.chars()
        .filter(|letter| !letter.is_whitespace())
        .count()
}

/// The words that differ; neighbours are one, and so are those with a space between them.
fn join(text: &str, words: &[Range<usize>], differs: impl Fn(u32) -> bool) -> Words {
    let mut joined = Words::new();
    let differing = (0..).zip(words).filter(|(index, _)| differs(*index));
    for (_, word) in differing.filter(|(_, word)| letters(&text[(*word).clone()]) > 0) {
        match joined.last_mut() {
            Some(last) if letters(&text[last.end..word.start]) == 0 => last.end = word.end,
            _ => joined.push(word.clone()),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use xtask::Change;

    /// The changed words between brackets.
    fn marked(old: &str, new: &str) -> String {
        let change = Change::new("a.rs", Some(old.to_owned()), Some(new.to_owned()));
        let lines: Vec<&Line> = change.lines.iter().collect();
        let mut text = String::new();
        for (line, words) in lines.iter().zip(changed(&lines)) {
            let mut end = 0;
            for word in words {
                text += &line.text[end..word.start];
                text += &["[", &line.text[word.clone()], "]"].concat();
                end = word.end;
            }
            text += &line.text[end..];
        }
        text
    }

    #[test]
    fn a_word_that_changes_is_told_from_those_that_stay() {
        assert_eq!(
            marked("let a = 1;\n", "let a = 2;\n"),
            "let a = [1];\nlet a = [2];\n"
        );
    }

    #[test]
    fn each_line_meets_the_one_that_replaces_it() {
        let old = "fn run(&self) {\n    stop(self);\n";
        let new = "// New.\nasync fn run(&self) {\n    stop(&mut self);\n";
        assert_eq!(
            marked(old, new),
            "fn run(&self) {\n    stop(self);\n// New.\n[async] fn run(&self) {\n    stop([&mut] self);\n"
        );
    }

    #[test]
    fn lines_that_have_little_in_common_are_left_alone() {
        assert_eq!(
            marked("let a = 1;\n", "return None;\n"),
            "let a = 1;\nreturn None;\n"
        );
    }
}
