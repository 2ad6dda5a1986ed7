//! A chapter whose directives are being expanded.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use mdbook_preprocessor::book::Chapter;
use xtask::Step;

use crate::coverage::{self, Coverage};
use crate::directive::{self, Directive};
use crate::library::Library;
use crate::problem::Problem;
use crate::{acceptance, card, diagram, html, listing, map, series, states, tables, transcript};

/// The name of a chapter, from the root of the repository.
#[must_use]
pub fn file_name(chapter: &Path) -> String {
    format!("book/src/{}", chapter.display())
}

/// A chapter being expanded.
pub struct Page<'a> {
    /// What the directives read.
    pub library: &'a Library,
    /// The chapter of each step, relative to `book/src`.
    pub chapters: &'a BTreeMap<String, PathBuf>,
    sources: Option<&'a str>,
    path: &'a Path,
    covered: BTreeMap<String, Coverage>,
    /// What is wrong with its directives.
    pub problems: Vec<Problem>,
}

impl<'a> Page<'a> {
    /// A chapter that has shown nothing yet.
    #[must_use]
    pub fn new(
        library: &'a Library,
        chapters: &'a BTreeMap<String, PathBuf>,
        sources: Option<&'a str>,
        path: &'a Path,
    ) -> Self {
        Self {
            library,
            chapters,
            sources,
            path,
            covered: BTreeMap::new(),
            problems: Vec::new(),
        }
    }

    /// What this chapter has shown of a step so far.
    pub fn coverage(&mut self, slug: &str) -> &mut Coverage {
        self.covered.entry(slug.to_owned()).or_default()
    }

    /// The way from this page to the root of the site.
    #[must_use]
    pub fn to_root(&self) -> String {
        "../".repeat(self.path.components().count().saturating_sub(1))
    }

    /// A link to a file of a step, if it still has it. In a checkout the site is in `book/book/`,
    /// two folders under the steps; a published book says where its sources are.
    #[must_use]
    pub fn source_link(&self, step: &Step, path: &str, text: &str) -> String {
        let place = format!("steps/{}/{path}", step.package);
        let base = match self.sources {
            Some(address) => format!("{}/", address.trim_end_matches('/')),
            None => format!("{}../../", self.to_root()),
        };
        if step.directory.join(path).exists() {
            format!("<a class=\"source\" href=\"{base}{place}\">{text}</a>")
        } else {
            format!("<span class=\"source\">{text}</span>")
        }
    }

    /// Expands the directives of the chapter, in two passes: `rest` shows what all the other directives left.
    pub fn expand(&mut self, chapter: &mut Chapter) {
        let text = std::mem::take(&mut chapter.content);
        let found = directive::find(&text);
        let mut expanded: Vec<Option<String>> = vec![None; found.len()];
        for last in [false, true] {
            for (directive, result) in found.iter().zip(&mut expanded) {
                if (directive.name == "rest") == last {
                    *result = Some(self.replace(&text, directive));
                }
            }
        }
        self.check_coverage(&found);

        let mut end = 0;
        for (directive, result) in found.iter().zip(expanded) {
            chapter.content.push_str(&text[end..directive.range.start]);
            chapter.content.push_str(&result.unwrap_or_default());
            end = directive.range.end;
        }
        chapter.content.push_str(&text[end..]);
    }

    fn replace(&mut self, text: &str, directive: &Directive) -> String {
        if !directive::stands_alone(text, &directive.range) {
            let message = format!("{{{{#{}}}}} must stand between blank lines", directive.name);
            self.report(directive.line, message);
        }
        self.dispatch(directive).unwrap_or_else(|error| {
            self.report(directive.line, format!("{error:#}"));
            String::new()
        })
    }

    fn dispatch(&mut self, directive: &Directive) -> Result<String> {
        match directive.name.as_str() {
            "acceptance" => acceptance::directive(self, directive),
            "card" => card::directive(self, directive),
            "diagram" => diagram::directive(self, directive),
            "diff" => listing::diff(self, directive),
            "file" => listing::file(self, directive),
            "item" => listing::item(self, directive),
            "part" => {
                directive.at_most(1)?;
                series::part(directive.word(0, "number")?)
            }
            "rest" => listing::rest(self, directive),
            "snapshot" => listing::snapshot(self, directive),
            "states" => states::directive(self, directive),
            "steps" => map::directive(self, directive),
            "tables" => tables::directive(self, directive),
            "transcript" => transcript::directive(self, directive),
            other => bail!("{{{{#{other}}}}} is no directive of this book"),
        }
    }

    /// Every line that a step changes must be in the chapter of the step.
    fn check_coverage(&mut self, found: &[Directive]) {
        for card in found.iter().filter(|directive| directive.name == "card") {
            let slug = card.words.first().map(String::as_str).unwrap_or_default();
            let Ok(step) = self.library.step(slug) else {
                continue; // already reported by the card itself
            };
            for change in self.library.changes(step) {
                let missing = self.coverage(slug).missing(change);
                if missing.is_empty() {
                    continue;
                }
                let message = format!(
                    "this chapter doesn't show {} of steps/{}/{}: show them, or list the file in {{{{#rest {slug} …}}}}",
                    coverage::describe(&missing),
                    step.package,
                    change.path
                );
                self.report(card.line, message);
            }
        }
    }

    fn report(&mut self, line: usize, message: String) {
        let problem = Problem::at(file_name(self.path), line, message);
        self.problems.push(problem);
    }

    /// A link to the chapter of a step, or its title alone while it has none.
    #[must_use]
    pub fn chapter_link(&self, step: &Step) -> String {
        self.link_to_chapter(step, &html::inline(&step.title))
    }

    /// The number of a step, as a link to its chapter if it has one.
    #[must_use]
    pub fn number_link(&self, step: &Step) -> String {
        self.link_to_chapter(step, &step.number.to_string())
    }

    fn link_to_chapter(&self, step: &Step, text: &str) -> String {
        let Some(path) = self.chapters.get(&step.slug) else {
            return text.to_owned();
        };
        let target = path.with_extension("html");
        format!(
            "<a href=\"{}{}\">{text}</a>",
            self.to_root(),
            target.display()
        )
    }
}
