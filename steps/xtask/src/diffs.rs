//! `cargo xtask diffs`: the committed patches of the steps.

use std::path::PathBuf;

use anstream::println;
use anyhow::{Result, bail};

use crate::{Steps, Tree, files, patch};

/// Where the patches are, under the root of the project.
const FOLDER: &str = "book/diffs";

/// Writes every patch, and deletes those of steps that no longer exist.
pub(crate) fn write(steps: &Steps) -> Result<()> {
    files::replace(&folder(steps), &current(steps)?)?;
    println!("{FOLDER} is what the steps give");
    Ok(())
}

/// Compares the committed patches with what the steps give, and fails if they differ.
pub(crate) fn check(steps: &Steps) -> Result<()> {
    let problems = problems(&files::read(&folder(steps))?, &current(steps)?);
    if problems.is_empty() {
        return Ok(());
    }
    bail!(
        "{}\nAn edit that didn't reach the later steps shows in two patches: cargo xtask propagate SLUG carries it\nIf the steps are as they should be, run: cargo xtask diffs",
        problems.join("\nerror: ")
    )
}

fn folder(steps: &Steps) -> PathBuf {
    steps.root().join(FOLDER)
}

/// The patches by file name.
fn current(steps: &Steps) -> Result<Tree> {
    steps
        .iter()
        .map(|step| {
            let name = format!("{}.diff", step.slug);
            Ok((name, patch(&steps.changes(&step.slug)?)))
        })
        .collect()
}

fn problems(committed: &Tree, current: &Tree) -> Vec<String> {
    let missing_or_stale = current
        .iter()
        .filter_map(|(name, text)| match committed.get(name) {
            None => Some(format!("{FOLDER}/{name} is missing")),
            Some(old) if old != text => Some(format!(
                "{FOLDER}/{name} is stale: {}",
                first_difference(old, text)
            )),
            Some(_) => None,
        });
    let extra = committed
        .keys()
        .filter(|name| !current.contains_key(*name))
        .map(|name| format!("{FOLDER}/{name} is the patch of no step"));
    missing_or_stale.chain(extra).collect()
}

fn first_difference(committed: &str, current: &str) -> String {
    let (mut old, mut new) = (committed.lines(), current.lines());
    let mut number = 0;
    loop {
        number += 1;
        let (old, new) = (old.next(), new.next());
        if old != new || old.is_none() {
            let show = |line: Option<&str>| line.unwrap_or("(end of file)").to_owned();
            return format!(
                "line {number}\n  committed: {}\n  the steps: {}",
                show(old),
                show(new)
            );
        }
    }
}
