//! Replaces the directives of the chapters by what they stand for.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, bail};
use mdbook_driver::book::{Book, BookItem};

use crate::directive::{self, Directive};
use crate::library::Library;
use crate::page::Page;
use crate::problem::{Problem, Problems};
use crate::settings::Settings;
use crate::shown::Shown;
use crate::{
    acceptance, card, coverage, diagram, exercises, listing, map, measure, series, shown, states,
    tables, timeline, transcript,
};

/// The directives, and the words that they take.
const FORMS: [&str; 18] = [
    "acceptance [SLUG]",
    "card SLUG",
    "diagram NAME TITLE…",
    "diff SLUG FILE [ITEM, …]",
    "file SLUG FILE",
    "item SLUG FILE ITEM",
    "measure NAME COLUMN",
    "part NUMBER",
    "refused NAME",
    "rest SLUG PATH…",
    "shares",
    "snapshot SLUG FILE [LANGUAGE]",
    "solution NAME",
    "states SLUG",
    "steps",
    "tables",
    "timeline NAME TITLE…",
    "transcript NAME",
];

/// Expands every directive of `book`, and tells how much of each step its chapter shows.
pub fn expand(library: &Library, settings: &Settings, book: &mut Book) -> Result<Shown, Problems> {
    let mut problems = Vec::new();
    let mut shown = Shown::new();
    let chapters = chapters_of_steps(book, &mut problems);
    book.for_each_mut(|item| {
        if let BookItem::Chapter(chapter) = item
            && let Some(path) = chapter.source_path.clone()
        {
            let page = Page {
                library,
                chapters: &chapters,
                sources: settings.sources_url.as_deref(),
                path: &path,
                covered: BTreeMap::new(),
            };
            let mut expansion = Expansion {
                page,
                least_shown: settings.least_shown,
                shown: &mut shown,
                problems: &mut problems,
            };
            chapter.content = expansion.expand(&chapter.content);
        }
    });
    Problems(problems).into_result()?;
    Ok(shown)
}

/// The chapter of each step: the one that shows its card.
fn chapters_of_steps(book: &Book, problems: &mut Vec<Problem>) -> BTreeMap<String, PathBuf> {
    let mut chapters = BTreeMap::new();
    for item in book.iter() {
        let BookItem::Chapter(chapter) = item else {
            continue;
        };
        let Some(path) = &chapter.source_path else {
            continue;
        };
        for (slug, line) in cards(&directive::find(&chapter.content)) {
            if let Some(other) = chapters.insert(slug.to_owned(), path.clone()) {
                let message = format!("{} already has the card of {slug}", other.display());
                problems.push(Problem::in_chapter(path, line, message));
            }
        }
    }
    chapters
}

/// The steps whose cards are among these directives, with the lines of the cards.
fn cards(found: &[Directive]) -> impl Iterator<Item = (&str, usize)> {
    let cards = found.iter().filter(|directive| directive.name == "card");
    cards.filter_map(|card| Some((card.words.first()?.as_str(), card.line)))
}

/// When a directive is expanded.
#[derive(PartialEq)]
enum Pass {
    Seen,
    Folded,
    Rest,
}

impl Pass {
    fn of(directive: &Directive, text: &str) -> Self {
        let before = &text[..directive.range.start];
        if directive.name == "rest" {
            Self::Rest
        } else if before.matches("<details").count() > before.matches("</details>").count() {
            Self::Folded
        } else {
            Self::Seen
        }
    }
}

struct Expansion<'a> {
    page: Page<'a>,
    least_shown: u32,
    shown: &'a mut Shown,
    problems: &'a mut Vec<Problem>,
}

impl Expansion<'_> {
    /// Expands the directives of a chapter: those that a reader sees, those that stand folded, and
    /// `rest`, which shows what all the others left.
    fn expand(&mut self, text: &str) -> String {
        let found = directive::find(text);
        let mut expanded = vec![String::new(); found.len()];
        for pass in [Pass::Seen, Pass::Folded, Pass::Rest] {
            for (directive, result) in found.iter().zip(&mut expanded) {
                if Pass::of(directive, text) == pass {
                    *result = self.replace(text, directive);
                }
            }
            for (slug, line) in cards(&found) {
                match pass {
                    Pass::Seen => self.measure(slug, line),
                    Pass::Folded => {}
                    Pass::Rest => self.check_coverage(slug, line),
                }
            }
        }
        let mut content = String::new();
        let mut end = 0;
        for (directive, result) in found.iter().zip(expanded) {
            content.push_str(&text[end..directive.range.start]);
            content.push_str(&result);
            end = directive.range.end;
        }
        content + &text[end..]
    }

    fn replace(&mut self, text: &str, directive: &Directive) -> String {
        let inline = directive.name == "measure";
        if !inline && !directive::stands_alone(text, &directive.range) {
            let message = format!("{{{{#{}}}}} must stand between blank lines", directive.name);
            self.report(directive.line, message);
        }
        dispatch(&mut self.page, directive).unwrap_or_else(|error| {
            self.report(directive.line, format!("{error:#}"));
            String::new()
        })
    }

    /// How much of a step is in the text of its chapter, before what is folded.
    fn measure(&mut self, slug: &str, line: usize) {
        let Ok(step) = self.page.library.step(slug) else {
            return; // already reported by the card itself
        };
        let changes = self.page.library.changes(step);
        let percentage = shown::percentage(changes, self.page.coverage(step));
        if percentage < self.least_shown {
            let message = format!(
                "this chapter shows {percentage} % of what {slug} changes in src/ and migrations/ outside of what is folded: show {} % or more",
                self.least_shown
            );
            self.report(line, message);
        }
        self.shown.insert(slug.to_owned(), percentage);
    }

    /// Every line that a step changes must be in the chapter of the step.
    fn check_coverage(&mut self, slug: &str, line: usize) {
        let Ok(step) = self.page.library.step(slug) else {
            return;
        };
        for change in self.page.library.changes(step) {
            let missing = self.page.coverage(step).missing(change);
            if missing.is_empty() {
                continue;
            }
            let message = format!(
                "this chapter doesn't show {} of steps/{}/{}: show them, or list the file in {{{{#rest {slug} …}}}}",
                coverage::describe(&missing),
                step.package,
                change.path
            );
            self.report(line, message);
        }
    }

    fn report(&mut self, line: usize, message: String) {
        let problem = Problem::in_chapter(self.page.path, line, message);
        self.problems.push(problem);
    }
}

fn dispatch(page: &mut Page, directive: &Directive) -> Result<String> {
    let words: Vec<&str> = directive.words.iter().map(String::as_str).collect();
    match (directive.name.as_str(), words.as_slice()) {
        ("acceptance", []) => acceptance::table(page.library),
        ("acceptance", [slug]) => acceptance::list(page.library, slug),
        ("card", [slug]) => card::card(page, slug),
        ("diagram", [name, _, ..]) => diagram::file(page.library, name, &words[1..].join(" ")),
        ("diff", [slug, file, items @ ..]) => listing::diff(page, slug, file, items),
        ("file", [slug, file]) => listing::file(page, slug, file),
        ("item", [slug, file, _, ..]) => listing::item(page, slug, file, &words[2..].join(" ")),
        ("measure", [_, ..]) => measure::figure(page.library, &words),
        ("part", [number]) => series::part(number),
        ("refused", [name]) => exercises::refused::figure(page, name),
        ("rest", [slug, _, ..]) => listing::rest(page, slug, &words[1..]),
        ("shares", []) => measure::shares(page.library),
        ("snapshot", [slug, file]) => listing::snapshot(page, slug, file, "plaintext"),
        ("snapshot", [slug, file, language]) => listing::snapshot(page, slug, file, language),
        ("solution", [name]) => exercises::figure(page, name),
        ("states", [slug]) => states::figure(page, slug),
        ("steps", []) => map::table(page),
        ("tables", []) => tables::tables(page),
        ("timeline", [name, _, ..]) => timeline::figure(page.library, name, &words[1..].join(" ")),
        ("transcript", [name]) => transcript::figure(page.library, name),
        (name, _) => {
            let form = FORMS
                .iter()
                .find(|form| form.split(' ').next() == Some(name));
            match form {
                Some(form) => bail!("{{{{#{name}}}}} is written {{{{#{form}}}}}"),
                None => bail!("{{{{#{name}}}}} is no directive of this book"),
            }
        }
    }
}
