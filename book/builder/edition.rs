//! The book to be carried away: what its EPUB and its PDF have in common.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;
use mdbook_driver::MDBook;
use mdbook_driver::book::BookItem;
use mdbook_driver::config::BookConfig;
use scraper::Html;
use tempfile::TempDir;

use crate::files::read;
use crate::settings::{self, Settings};
use crate::{build, links, tool};

/// The whole book, built for the web in a folder of its own, and ready to become something else.
pub struct Edition {
    /// What `book.toml` says of the book.
    pub book: BookConfig,
    /// What it says to the builder.
    pub settings: Settings,
    /// The date of the last commit: the same sources make the same book.
    pub date: Timestamp,
    /// The parts of the summary, in order.
    pub parts: Vec<Part>,
    site: TempDir,
}

/// A part of the summary; the chapters before the first title are one, without a title.
pub struct Part {
    /// Its title.
    pub title: Option<String>,
    /// Its chapters.
    pub chapters: Vec<Chapter>,
}

/// A chapter.
pub struct Chapter {
    /// What tells it from the others, in addresses and in identifiers.
    pub name: String,
    /// Its title, as in the summary.
    pub title: String,
    /// Its number, if it has one.
    pub number: Option<String>,
    /// Its page in the site.
    pub page: PathBuf,
    /// That page, parsed.
    pub html: Html,
}

/// Where a link leads.
pub enum Target<'a> {
    /// To a chapter, or to an anchor of one.
    Chapter(&'a str, Option<String>),
    /// Out of the book.
    Address(&'a str),
    /// To what can't be carried away, as the sources beside the site.
    Nowhere,
}

impl Edition {
    /// Builds the book of the repository at `root`.
    pub fn load(root: &Path) -> Result<Self> {
        let site = tempfile::tempdir()?;
        build::build(root, site.path())?;
        let folder = root.join("book");
        let (config, settings) = settings::load(&folder)?;
        let book = MDBook::load_with_config(&folder, config)?;
        let mut parts = vec![Part::of(None)];
        for item in book.book.iter() {
            match item {
                BookItem::PartTitle(title) => parts.push(Part::of(Some(title.clone()))),
                BookItem::Chapter(chapter) => {
                    let Some(path) = &chapter.path else { continue };
                    let part = parts.last_mut().expect("there is a first part");
                    let page = path.with_extension("html");
                    part.chapters.push(Chapter {
                        name: path.with_extension("").to_string_lossy().replace('/', "-"),
                        title: chapter.name.clone(),
                        number: chapter.number.as_ref().map(ToString::to_string),
                        html: Html::parse_document(&read(&site.path().join(&page))?),
                        page,
                    });
                }
                BookItem::Separator => {}
            }
        }
        parts.retain(|part| !part.chapters.is_empty());
        for title in &settings.volumes {
            let is_there = |part: &Part| part.title.as_ref() == Some(title);
            ensure!(
                parts.iter().any(is_there),
                "book.toml: no part is called `{title}`, so that no volume can begin with it"
            );
        }
        Ok(Self {
            book: book.config.book,
            settings,
            date: date(root)?,
            parts,
            site,
        })
    }

    /// The folder of the site.
    pub fn site(&self) -> &Path {
        self.site.path()
    }

    /// The title of the book.
    pub fn title(&self) -> &str {
        self.book.title.as_deref().unwrap_or_default()
    }

    /// The language of the book.
    pub fn language(&self) -> &str {
        self.book.language.as_deref().unwrap_or_default()
    }

    /// All the chapters, in order.
    pub fn chapters(&self) -> impl Iterator<Item = &Chapter> {
        self.parts.iter().flat_map(|part| &part.chapters)
    }

    /// The parts, volume by volume.
    pub fn volumes(&self) -> impl Iterator<Item = &[Part]> {
        let begin = |title: &String| self.settings.volumes.contains(title);
        self.parts
            .chunk_by(move |_, next| !next.title.as_ref().is_some_and(begin))
    }

    /// The number of the volume that this chapter is in.
    pub fn volume(&self, chapter: &str) -> usize {
        let is_in = |parts: &&[Part]| {
            let mut chapters = parts.iter().flat_map(|part| &part.chapters);
            chapters.any(|other| other.name == chapter)
        };
        let before = self.volumes().take_while(|parts| !is_in(parts));
        before.count() + 1
    }

    /// Where a link in a chapter leads.
    pub fn target<'a>(&'a self, from: &'a Chapter, link: &'a str) -> Target<'a> {
        if link.contains(':') {
            return Target::Address(link);
        }
        let (path, anchor) = match link.split_once('#') {
            Some((path, anchor)) => (path, Some(links::decode(anchor))),
            None => (link, None),
        };
        if path.is_empty() {
            return Target::Chapter(&from.name, anchor);
        }
        let page = links::join(from.page.parent().unwrap_or(Path::new("")), path);
        let chapter = self.chapters().find(|chapter| chapter.page == page);
        chapter.map_or(Target::Nowhere, |chapter| {
            Target::Chapter(&chapter.name, anchor)
        })
    }

    /// Where a file of this edition goes: beside the HTML, in a folder that is there from now on.
    ///
    /// # Errors
    /// When the folder can't be made.
    pub fn file(&self, root: &Path, extension: &str) -> Result<PathBuf> {
        let folder = build::site(root);
        fs::create_dir_all(&folder)?;
        Ok(folder.join(format!("{}.{extension}", self.settings.file_name)))
    }
}

impl Part {
    fn of(title: Option<String>) -> Self {
        Self {
            title,
            chapters: Vec::new(),
        }
    }
}

impl Chapter {
    /// Its title after its number.
    pub fn full_title(&self) -> String {
        match &self.number {
            Some(number) => format!("{number} {}", self.title),
            None => self.title.clone(),
        }
    }
}

/// `SOURCE_DATE_EPOCH`, as everywhere where builds are reproducible, or the date of the last commit.
fn date(root: &Path) -> Result<Timestamp> {
    let seconds = if let Ok(given) = env::var("SOURCE_DATE_EPOCH") {
        given
    } else {
        let folder = root.to_string_lossy();
        let arguments = ["-C", &*folder, "log", "-1", "--format=%ct"];
        let output = tool::run("git", "git", arguments)?;
        ensure!(
            output.status.success(),
            "the book takes its date from the last commit, and git finds none: set SOURCE_DATE_EPOCH"
        );
        String::from_utf8(output.stdout)?
    };
    let seconds = seconds.trim();
    let date = seconds
        .parse()
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok());
    date.with_context(|| format!("`{seconds}` isn't a date in seconds since 1970"))
}
