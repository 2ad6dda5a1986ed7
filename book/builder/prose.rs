//! The sentences of a chapter, without their markup, each with its lines.

use std::sync::LazyLock;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use regex::Regex;

use crate::directive;

static MARKUP: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?s)<[^>]*>").expect("the pattern is a constant"));

/// A paragraph, a title or a cell, on one line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paragraph {
    /// Its text: code is replaced by a name, so that the grammar still holds.
    pub text: String,
    /// For each piece of the text: the character where it begins, and the
    /// line of the chapter it comes from.
    pieces: Vec<(usize, usize)>,
}

impl Paragraph {
    fn push(&mut self, text: &str, line: usize) {
        self.pieces.push((self.text.chars().count(), line));
        self.text.push_str(text);
    }

    /// The line of the chapter where the character at `index` stands.
    pub fn line(&self, index: usize) -> usize {
        let before = self.pieces.iter().rev().find(|(start, _)| *start <= index);
        before.or(self.pieces.first()).map_or(1, |(_, line)| *line)
    }
}

/// The paragraphs of a chapter, in order.
pub fn paragraphs(chapter: &str) -> Vec<Paragraph> {
    let text = without_directives(chapter);
    let mut reader = Reader::default();
    for (event, range) in Parser::new_ext(&text, options()).into_offset_iter() {
        reader.read(&event, directive::line_of(&text, range.start));
    }
    reader.finish();
    reader.paragraphs
}

/// The paragraphs of a sentence that stands at a line of something else than Markdown.
pub fn sentence(text: &str, line: usize) -> Vec<Paragraph> {
    let mut found = paragraphs(text);
    for paragraph in &mut found {
        paragraph.pieces = vec![(0, line)];
    }
    found
}

/// What mdBook reads, less its smart punctuation: the source is checked.
fn options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_DEFINITION_LIST
        | Options::ENABLE_GFM
}

/// Directives leave their line feeds behind, so that lines keep their numbers,
/// and drawings their titles, which are prose.
fn without_directives(chapter: &str) -> String {
    let mut text = chapter.to_owned();
    for directive in directive::find(chapter).into_iter().rev() {
        let lines = chapter[directive.range.clone()].matches('\n').count();
        let mut left = match directive.name.as_str() {
            "diagram" | "timeline" => directive.words.get(1..).unwrap_or_default().join(" "),
            "measure" => "12\u{a0}ms".to_owned(),
            _ => String::new(),
        };
        left.push_str(&"\n".repeat(lines));
        text.replace_range(directive.range, &left);
    }
    text
}

#[derive(Default)]
struct Reader {
    paragraphs: Vec<Paragraph>,
    current: Paragraph,
    in_code: bool,
}

impl Reader {
    fn read(&mut self, event: &Event, line: usize) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => {
                self.finish();
                self.in_code = true;
            }
            Event::End(TagEnd::CodeBlock) => self.in_code = false,
            Event::Text(text) if !self.in_code => self.current.push(text, line),
            Event::Code(_) => {
                let name = name(&self.current.text);
                self.current.push(name, line);
            }
            Event::SoftBreak | Event::HardBreak => self.current.push(" ", line),
            Event::Html(html) => {
                let text = MARKUP.replace_all(html, "");
                self.finish();
                self.current.push(text.trim(), line);
                self.finish();
            }
            Event::Start(tag) if !is_inline(tag) => self.finish(),
            Event::End(tag) if !is_inline_end(*tag) => self.finish(),
            _ => {}
        }
    }

    fn finish(&mut self) {
        let paragraph = std::mem::take(&mut self.current);
        if !paragraph.text.trim().is_empty() {
            self.paragraphs.push(paragraph);
        }
    }
}

/// A name of a person, of either gender; one with a vowel after an elision.
fn name(before: &str) -> &'static str {
    if before.ends_with(['’', '\'']) {
        "Alex"
    } else {
        "Camille"
    }
}

fn is_inline(tag: &Tag) -> bool {
    matches!(
        tag,
        Tag::Emphasis | Tag::Strong | Tag::Strikethrough | Tag::Link { .. } | Tag::Image { .. }
    )
}

fn is_inline_end(tag: TagEnd) -> bool {
    matches!(
        tag,
        TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Link | TagEnd::Image
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_becomes_a_name_and_fences_vanish() {
        let found = paragraphs(
            "# Titre\n\nL’`Engine` lance *un*\n`Worker`.\n\n```rust\nfn a() {}\n```\n\n- un\n- deux\n",
        );
        let texts: Vec<_> = found.iter().map(|found| found.text.as_str()).collect();
        assert_eq!(texts, ["Titre", "L’Alex lance un Camille.", "un", "deux"]);
        assert_eq!(found[1].line(0), 3);
        assert_eq!(found[1].line(17), 4);
    }

    #[test]
    fn directives_keep_the_line_numbers() {
        let found = paragraphs("{{#rest a\nb}}\n\nTexte.\n\n{{#diagram a Un titre}}\n");
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].line(0), 4);
        assert_eq!(found[1].text, "Un titre");
    }
}
