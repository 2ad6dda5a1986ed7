//! Builds the book in a folder of its own and looks for what is wrong with it.

use std::path::Path;

use anyhow::Result;

use crate::files::{files, read};
use crate::library::Library;
use crate::problem::{Problem, Problems};
use crate::{build, directive, links, proofread};

/// Checks the book of the repository at `root`.
///
/// # Errors
/// Lists everything that there is to mend.
pub fn check(root: &Path, proofreading: bool) -> Result<()> {
    let site = tempfile::tempdir()?;
    build::build(root, site.path())?;
    let mut problems = links::check(root, site.path())?;
    problems.extend(steps_without_chapter(root)?);
    problems.extend(proofread::style(root)?);
    if proofreading {
        problems.extend(proofread::grammar(root)?);
    }
    problems.sort();
    problems.dedup();
    Problems(problems).into_result()?;
    Ok(())
}

/// Steps come before their chapters while one writes; a book to be read has all.
fn steps_without_chapter(root: &Path) -> Result<Vec<Problem>> {
    let mut cards = Vec::new();
    for path in files(&root.join("book/src"))? {
        let text = read(&path)?;
        let found = directive::find(&text).into_iter();
        cards.extend(
            found
                .filter(|directive| directive.name == "card")
                .filter_map(|directive| directive.words.into_iter().next()),
        );
    }
    let library = Library::load(root)?;
    let missing = library
        .steps()
        .iter()
        .filter(|step| !cards.contains(&step.slug));
    let problems = missing.map(|step| {
        let message = format!("no chapter has {{{{#card {}}}}}", step.slug);
        Problem::of("book/src", message)
    });
    Ok(problems.collect())
}
