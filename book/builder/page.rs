//! What a directive knows of the chapter that it stands in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use xtask::Step;

use crate::coverage::Coverage;
use crate::html;
use crate::library::Library;

/// A chapter being expanded.
pub struct Page<'a> {
    /// What the directives read.
    pub library: &'a Library,
    /// The chapter of each step, relative to `book/src`.
    pub chapters: &'a BTreeMap<String, PathBuf>,
    /// Where the captions of the listings lead; to copies in the site by default.
    pub sources: Option<&'a str>,
    /// The chapter, relative to `book/src`.
    pub path: &'a Path,
    /// What this chapter has shown of each step so far.
    pub covered: BTreeMap<String, Coverage>,
}

impl Page<'_> {
    /// What this chapter has shown of a step so far.
    pub fn coverage(&mut self, step: &Step) -> &mut Coverage {
        self.covered.entry(step.slug.clone()).or_default()
    }

    /// The way from this page to the root of the site.
    fn to_root(&self) -> String {
        "../".repeat(self.path.components().count().saturating_sub(1))
    }

    /// A link to a file of a step, if it still has it: where the book says that its sources are, or
    /// in the site, which then holds a copy.
    pub fn source_link(&self, step: &Step, path: &str, text: &str) -> String {
        let place = format!("steps/{}/{path}", step.package);
        let address = match self.sources {
            Some(address) => format!("{}/{place}", address.trim_end_matches('/')),
            None => format!("{}{place}.html", self.to_root()),
        };
        if step.directory.join(path).exists() {
            format!("<a class=\"source\" href=\"{address}\">{text}</a>")
        } else {
            format!("<span class=\"source\">{text}</span>")
        }
    }

    /// A link to the chapter of a step, or its title alone while it has none.
    pub fn chapter_link(&self, step: &Step) -> String {
        self.link_to_chapter(step, &html::inline(&step.title))
    }

    /// The number of a step, as a link to its chapter if it has one.
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
