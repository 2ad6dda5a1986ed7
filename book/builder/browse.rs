//! Looks at the built book in a headless Chromium, as readers do: in both themes, on narrow screens,
//! by keyboard, without scripts.

mod chromium;
mod journey;

use std::fs;
use std::panic::resume_unwind;
use std::path::Path;
use std::thread;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use crate::files::{self, read};
use crate::problem::{Problem, Problems};
use crate::{build, serve};
use chromium::Chromium;

/// The most that the HTML of a page may weigh, in bytes.
const HEAVIEST: u64 = 300_000;

/// How many browsers look at the pages together.
const BROWSERS: usize = 2;

/// What a page is asked, and the width of the window.
const QUESTIONS: [(u32, &str); 9] = [
    (1280, "look.rules()"),
    (1280, "look.contrasts('light')"),
    (1280, "look.contrasts('navy')"),
    (1280, "look.copies()"),
    (1280, "look.anchors()"),
    (1280, "look.headings()"),
    (1080, "look.width()"),
    (390, "look.width()"),
    (320, "look.width()"),
];

/// Looks at the pages of the book of the repository at `root`, those named or all of them, and does
/// in one of them what readers do.
///
/// # Errors
/// Lists everything that there is to mend.
pub fn browse(root: &Path, names: &[String]) -> Result<()> {
    let site = tempfile::tempdir()?;
    build::build(root, site.path())?;
    let script = read(&root.join("book/node_modules/axe-core/axe.min.js"))
        .context("axe-core isn't there: npm ci --prefix book")?;
    let visitor = Visitor {
        address: serve::publish(site.path())?,
        script: script + include_str!("browse/page.js"),
    };
    let all = pages(site.path())?;
    let mut pages = all.clone();
    pages.retain(|page| {
        names.is_empty() || names.iter().any(|name| *page == format!("{name}.html"))
    });
    ensure!(!pages.is_empty(), "no page has such a name");
    let mut problems = too_heavy(site.path(), &pages)?;
    let shares = pages.chunks(pages.len().div_ceil(BROWSERS));
    let found = thread::scope(|scope| -> Result<Vec<Problem>> {
        let visits = shares.map(|share| scope.spawn(|| visitor.visit(share)));
        let visits: Vec<_> = visits.collect();
        let mut found = journey::travel(&visitor, site.path(), &all)?;
        for visit in visits {
            found.extend(visit.join().unwrap_or_else(|panic| resume_unwind(panic))?);
        }
        Ok(found)
    })?;
    problems.extend(found);
    problems.sort();
    Problems(problems).into_result()?;
    println!("Nothing to mend in {} pages", pages.len());
    Ok(())
}

/// The pages that are read, and one of the copies of the sources, which are all alike. The page that
/// is printed repeats the others, the list of the chapters stands in them.
fn pages(site: &Path) -> Result<Vec<String>> {
    let mut pages = Vec::new();
    for path in files::pages(site)? {
        let page = path.strip_prefix(site)?.display().to_string();
        if !["print.html", "toc.html"].contains(&page.as_str()) {
            pages.push(page);
        }
    }
    let (copies, mut pages): (Vec<_>, Vec<_>) = pages
        .into_iter()
        .partition(|page| page.starts_with("steps/"));
    pages.extend(copies.into_iter().next());
    Ok(pages)
}

/// The pages that a phone would wait for.
fn too_heavy(site: &Path, pages: &[String]) -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    for page in pages {
        let weight = fs::metadata(site.join(page))?.len();
        if weight > HEAVIEST {
            problems.push(Problem::of(
                page,
                format!("weighs {weight} bytes, more than {HEAVIEST}"),
            ));
        }
    }
    Ok(problems)
}

/// Who looks at the pages.
struct Visitor {
    /// Where the site is served.
    address: String,
    /// axe-core, and what is asked of the pages.
    script: String,
}

impl Visitor {
    /// Looks at some pages, one after the other.
    fn visit(&self, pages: &[String]) -> Result<Vec<Problem>> {
        let mut chromium = self.start()?;
        let mut problems = Vec::new();
        for page in pages {
            chromium.resize(QUESTIONS[0].0)?;
            self.open(&mut chromium, page)?;
            for (width, question) in QUESTIONS {
                chromium.resize(width)?;
                problems.extend(ask(&mut chromium, page, question)?);
            }
            problems.extend(
                chromium
                    .complaints()
                    .into_iter()
                    .map(|message| Problem::of(page, message)),
            );
        }
        Ok(problems)
    }

    /// Starts a browser that can be asked things of each page that it opens.
    fn start(&self) -> Result<Chromium> {
        let mut chromium = Chromium::launch()?;
        let script = json!({"source": self.script});
        chromium.call("Page.addScriptToEvaluateOnNewDocument", &script)?;
        Ok(chromium)
    }

    /// Opens a page of the site.
    fn open(&self, chromium: &mut Chromium, page: &str) -> Result<()> {
        chromium.open(&format!("{}/{page}", self.address))
    }
}

/// What is wrong with the open page, by one of the functions of `page.js`.
fn ask(chromium: &mut Chromium, page: &str, question: &str) -> Result<Vec<Problem>> {
    let answer = chromium
        .evaluate(question)
        .with_context(|| format!("{page}: {question}"))?;
    let sentences: Vec<String> = serde_json::from_value(answer)?;
    let problem = |sentence| Problem::of(page, format!("{sentence} [{question}]"));
    Ok(sentences.into_iter().map(problem).collect())
}
