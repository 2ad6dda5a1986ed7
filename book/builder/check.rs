//! Builds the book in a folder of its own and looks for what is wrong with it.

use std::path::Path;

use anyhow::Result;
use xtask::Steps;

use crate::problem::{Problem, Problems};
use crate::{build, links, proofread, shown};

/// Checks the book of the repository at `root`.
///
/// # Errors
/// Lists everything that there is to mend.
pub fn check(root: &Path, proofreading: bool) -> Result<()> {
    let site = tempfile::tempdir()?;
    let shown = build::build(root, site.path())?;
    let mut problems = links::check(root, site.path())?;
    problems.extend(shown::check(root, &shown)?);
    // Steps come before their chapters while one writes; a book to be read has all.
    for step in Steps::load(root)?
        .iter()
        .filter(|step| !shown.contains_key(&step.slug))
    {
        let message = format!("no chapter has {{{{#card {}}}}}", step.slug);
        problems.push(Problem::of("book/src", message));
    }
    problems.extend(proofread::style(root)?);
    if proofreading {
        problems.extend(proofread::grammar(root)?);
    }
    problems.sort();
    problems.dedup();
    Problems(problems).into_result()?;
    Ok(())
}
