//! `cargo xtask diffs`: the committed patches of the steps.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anstream::println;
use anyhow::{Context as _, Result, bail};

use crate::{Steps, files, patch};

/// Where the patches are, under the root of the project.
const FOLDER: &str = "book/diffs";

/// The patches by file name.
type Patches = BTreeMap<String, String>;

/// Writes every patch, and deletes those of steps that no longer exist.
pub(crate) fn write(steps: &Steps) -> Result<()> {
    let folder = folder(steps);
    let committed = read(&folder)?;
    let current = current(steps)?;
    for (name, text) in &current {
        if committed.get(name) != Some(text) {
            files::write_text(&folder.join(name), text)?;
            println!("{FOLDER}/{name} written");
        }
    }
    for name in committed.keys().filter(|name| !current.contains_key(*name)) {
        let path = folder.join(name);
        fs::remove_file(&path).with_context(|| format!("can't delete {}", path.display()))?;
        println!("{FOLDER}/{name} deleted");
    }
    Ok(())
}

/// Compares the committed patches with what the steps give, and fails if they differ.
pub(crate) fn check(steps: &Steps) -> Result<()> {
    let committed = read(&folder(steps))?;
    let current = current(steps)?;
    let problems = problems(&committed, &current);
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

fn name(slug: &str) -> String {
    format!("{slug}.diff")
}

fn current(steps: &Steps) -> Result<Patches> {
    steps
        .iter()
        .map(|step| Ok((name(&step.slug), patch(&steps.changes(&step.slug)?))))
        .collect()
}

fn read(folder: &Path) -> Result<Patches> {
    if !folder.exists() {
        return Ok(Patches::new());
    }
    files::read(folder)
}

fn problems(committed: &Patches, current: &Patches) -> Vec<String> {
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
