//! Colours code when the book is built: nothing in an EPUB runs scripts.

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::LazyLock;

use syntect::easy::ScopeRegionIterator;
use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

use crate::xhtml::escape;

static SYNTAXES: LazyLock<SyntaxSet> = LazyLock::new(two_face::syntax::extra_newlines);

/// The classes of the style sheets, by the scopes that they stand for; the first that fits counts.
static CLASSES: LazyLock<Vec<(Scope, &str)>> = LazyLock::new(|| {
    let classes = [
        ("comment", "comment"),
        ("string", "string"),
        ("constant.character", "string"),
        ("constant", "number"),
        ("entity.name.function", "name"),
        ("entity.name", "type"),
        ("support.macro", "name"),
        ("support.type", "type"),
        ("variable.annotation", "type"),
        ("keyword.operator", ""),
        ("keyword", "keyword"),
        ("storage", "keyword"),
    ];
    classes
        .map(|(scope, class)| (Scope::new(scope).expect("the scope is a constant"), class))
        .into()
});

/// What a line of a listing is to the difference that the listing shows, if it shows one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A line of a listing that is no difference.
    None,
    /// A line that doesn't change.
    Same,
    /// A new line.
    Added,
    /// An old line.
    Deleted,
    /// Lines that are left out.
    Gap,
}

/// A line of a listing.
pub struct Line {
    /// What it is to the difference.
    pub mark: Mark,
    /// Its text, with its line feed.
    pub text: String,
    /// The bytes of the words that change in it.
    pub words: Vec<Range<usize>>,
}

/// The lines of a listing as XHTML.
pub fn colour(language: &str, lines: &[Line]) -> Vec<String> {
    let Some(syntax) = SYNTAXES.find_syntax_by_token(language) else {
        return lines.iter().map(|line| escape(&line.text)).collect();
    };
    let (mut old, mut new) = (Reader::new(syntax), Reader::new(syntax));
    let lines = lines.iter().map(|line| match line.mark {
        Mark::None | Mark::Added => new.read(line),
        Mark::Deleted => old.read(line),
        Mark::Same => {
            old.read(line);
            new.read(line)
        }
        Mark::Gap => {
            (old, new) = (Reader::new(syntax), Reader::new(syntax));
            escape(&line.text)
        }
    });
    lines.collect()
}

impl Line {
    /// A part of the text, with the words in it that change.
    fn token(&self, range: Range<usize>) -> String {
        let mut written = String::new();
        let mut start = range.start;
        for word in &self.words {
            let (from, to) = (word.start.max(start), word.end.min(range.end));
            if from < to {
                let (before, word) = (&self.text[start..from], &self.text[from..to]);
                let _ = write!(written, "{}<b>{}</b>", escape(before), escape(word));
                start = to;
            }
        }
        written + &escape(&self.text[start..range.end])
    }
}

/// A text being read, line after line.
struct Reader {
    state: ParseState,
    scopes: ScopeStack,
}

impl Reader {
    fn new(syntax: &SyntaxReference) -> Self {
        Self {
            state: ParseState::new(syntax),
            scopes: ScopeStack::new(),
        }
    }

    fn read(&mut self, line: &Line) -> String {
        let Ok(operations) = self.state.parse_line(&line.text, &SYNTAXES) else {
            return escape(&line.text);
        };
        let mut written = String::new();
        let mut start = 0;
        for (text, operation) in ScopeRegionIterator::new(&operations, &line.text) {
            if self.scopes.apply(operation).is_err() {
                return escape(&line.text);
            }
            let token = line.token(start..start + text.len());
            match self.class() {
                class if class.is_empty() || text.trim().is_empty() => written += &token,
                class => {
                    let _ = write!(written, "<span class=\"{class}\">{token}</span>");
                }
            }
            start += text.len();
        }
        written
    }

    /// The class of where the text is now: of its innermost scope that has one.
    fn class(&self) -> &'static str {
        let class = |scope: &Scope| CLASSES.iter().find(|(start, _)| start.is_prefix_of(*scope));
        let found = self.scopes.scopes.iter().rev().find_map(class);
        found.map_or("", |(_, class)| class)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(mark: Mark, text: &str) -> Line {
        Line {
            mark,
            text: text.to_owned(),
            words: Vec::new(),
        }
    }

    #[test]
    fn tokens_have_classes() {
        let coloured = colour("rust", &[line(Mark::None, "let a = \"b\"; // c\n")]).concat();
        for part in [
            "<span class=\"keyword\">let</span>",
            "<span class=\"string\">b</span>",
            "<span class=\"comment\">//</span>",
        ] {
            assert!(coloured.contains(part), "{coloured}");
        }
    }

    #[test]
    fn words_that_change_are_marked_within_tokens() {
        let mut line = line(Mark::Added, "// a < b\n");
        line.words = vec![1..4, 5..6];
        let coloured = colour("rust", &[line]);
        let expected = "<span class=\"comment\">/<b>/</b></span><span class=\"comment\"><b> a</b> <b>&lt;</b> b\n</span>";
        assert_eq!(coloured, [expected]);
    }

    #[test]
    fn what_is_deleted_does_not_colour_what_is_added() {
        let lines = [
            line(Mark::Deleted, "/* old\n"),
            line(Mark::Added, "fn new() {}\n"),
        ];
        let coloured = colour("rust", &lines);
        assert!(coloured[0].contains("comment"), "{coloured:?}");
        assert!(!coloured[1].contains("comment"), "{coloured:?}");
    }

    #[test]
    fn an_unknown_language_is_only_escaped() {
        assert_eq!(
            colour("nonsense", &[line(Mark::None, "a < b\n")]),
            ["a &lt; b\n"]
        );
    }
}
