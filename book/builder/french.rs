//! Makes the pages French: mdBook's own texts, and its search.

mod pairs;

use std::path::Path;

use anyhow::{Result, ensure};

use crate::files::{files, read, write};
use crate::problem::{Problem, Problems};
use pairs::{PAIRS, Pair};

/// What makes the search understand French, for the end of `elasticlunr.min.js`:
/// a script of its own would come too late for a page opened with `?search=`.
const SEARCH: &str = include_str!("../theme/search.js");

/// Translates the site built from the chapters in `source`.
///
/// # Errors
/// When a file can't be rewritten, or when a text to translate is nowhere: a
/// new mdBook has changed it, and `PAIRS` must follow.
pub fn translate(site: &Path, source: &Path) -> Result<()> {
    let chapters = chapters(source)?;
    let mut unused: Vec<&Pair> = PAIRS
        .iter()
        .filter(|(place, ..)| place.is_due(&chapters))
        .collect();
    let mut search_patched = false;
    for path in files(site)? {
        if is_search_library(&path) {
            append(&path, SEARCH)?;
            search_patched = true;
        }
        let mut pairs = PAIRS
            .iter()
            .filter(|(place, ..)| place.is_in(&path))
            .peekable();
        if pairs.peek().is_none() {
            continue;
        }
        let mut text = read(&path)?;
        for pair @ (_, english, french) in pairs {
            if !text.contains(english) {
                continue;
            }
            text = text.replace(english, french);
            unused.retain(|other| *other != pair);
        }
        write(&path, &text)?;
    }
    ensure!(
        search_patched,
        "the site has no elasticlunr-*.min.js to make French"
    );
    let missing = unused.iter().map(|(place, english, _)| {
        let message = format!("mdBook's {place:?} no longer holds `{english}`: mend PAIRS");
        Problem::of("book/builder/french/pairs.rs", message)
    });
    Problems(missing.collect()).into_result()?;
    Ok(())
}

fn is_search_library(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with("elasticlunr-"))
}

fn append(path: &Path, end: &str) -> Result<()> {
    let text = read(path)?;
    if text.contains(end) {
        return Ok(());
    }
    write(path, &format!("{text}\n{end}"))
}

/// The texts of the chapters, which are all the pages that have neighbours.
fn chapters(source: &Path) -> Result<Vec<String>> {
    let mut paths = files(source)?;
    paths.retain(|path| !path.ends_with("SUMMARY.md") && !path.ends_with("404.md"));
    paths.iter().map(|path| read(path)).collect()
}
