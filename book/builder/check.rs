//! Builds the book in a folder of its own and looks for what is wrong with it.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;
use regex::Regex;
use xtask::Steps;

use crate::files::{files, read};
use crate::problem::{Problem, Problems};
use crate::{build, exercises, links, proofread, shown};

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
    problems.extend(packages(root)?);
    problems.extend(exercises::check(root)?);
    problems.extend(exercises::refused::check(root)?);
    problems.extend(proofread::style(root)?);
    if proofreading {
        problems.extend(proofread::grammar(root)?);
    }
    problems.sort();
    problems.dedup();
    Problems(problems).into_result()?;
    Ok(())
}

/// The commands that name a package which isn't there: the steps are renumbered now and then.
fn packages(root: &Path) -> Result<Vec<Problem>> {
    let steps = Steps::load(root)?;
    let packages: BTreeSet<_> = steps.iter().map(|step| step.package.as_str()).collect();
    let name = Regex::new(r"step\d\d-[a-z]+(-[a-z]+)*").expect("the pattern is a constant");
    let mut problems = Vec::new();
    let chapters = files(&root.join("book/src"))?;
    for file in chapters.into_iter().chain([root.join("README.md")]) {
        let shown = file.strip_prefix(root)?.display().to_string();
        for (line, number) in read(&file)?.lines().zip(1..) {
            for found in name
                .find_iter(line)
                .filter(|found| !packages.contains(found.as_str()))
            {
                let message = format!("there is no package {}", found.as_str());
                problems.push(Problem::at(&shown, number, message));
            }
        }
    }
    Ok(problems)
}
