//! Replaces the directives of the chapters by what they stand for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use mdbook_preprocessor::book::{Book, BookItem};
use mdbook_preprocessor::{Preprocessor, PreprocessorContext};

use crate::directive;
use crate::files::read;
use crate::library::Library;
use crate::page::{self, Page};
use crate::problem::{Problem, Problems};

/// The name of the preprocessor, and of its table in `book.toml`.
pub const NAME: &str = "task-engine";

/// Our preprocessor, as mdBook sees it.
pub struct Directives {
    root: PathBuf,
}

impl Directives {
    /// A preprocessor for the repository at `root`.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }
}

impl Preprocessor for Directives {
    fn name(&self) -> &str {
        NAME
    }

    fn run(&self, _context: &PreprocessorContext, book: Book) -> Result<Book> {
        let library = Library::load(&self.root)?;
        let sources = sources(&self.root)?;
        Ok(expand(&library, sources.as_deref(), book)?)
    }
}

/// `sources-url` in our table of `book.toml`, read there because a build in
/// process has dropped that table from its configuration.
fn sources(root: &Path) -> Result<Option<String>> {
    let settings: toml::Table = read(&root.join("book/book.toml"))?.parse()?;
    let ours = settings
        .get("preprocessor")
        .and_then(|table| table.get(NAME));
    let url = ours.and_then(|ours| ours.get("sources-url")?.as_str());
    Ok(url.map(str::to_owned))
}

/// Expands every directive of `book`; `sources` is where the captions of the
/// listings lead, the repository on the disk by default.
///
/// # Errors
/// Lists every directive that can't be expanded and every hunk left uncovered.
pub fn expand(library: &Library, sources: Option<&str>, mut book: Book) -> Result<Book, Problems> {
    let mut problems = Vec::new();
    let chapters = chapters_of_steps(&book, &mut problems);
    book.for_each_mut(|item| {
        if let BookItem::Chapter(chapter) = item
            && let Some(path) = chapter.source_path.clone()
        {
            let mut page = Page::new(library, &chapters, sources, &path);
            page.expand(chapter);
            problems.append(&mut page.problems);
        }
    });
    Problems(problems).into_result()?;
    Ok(book)
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
        let cards = directive::find(&chapter.content);
        for card in cards.iter().filter(|directive| directive.name == "card") {
            let Some(slug) = card.words.first() else {
                continue;
            };
            if let Some(other) = chapters.insert(slug.clone(), path.clone()) {
                let message = format!("{} already has the card of {slug}", other.display());
                problems.push(Problem::at(page::file_name(path), card.line, message));
            }
        }
    }
    chapters
}
