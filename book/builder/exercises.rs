//! The solutions of the exercises: patches of `book/exercises`, applied to their steps and tested.
//!
//! `SLUG-NAME.patch` changes the step `SLUG`; `{package}` stands in it for the name of the step's
//! package, `{crate}` for that of its library. What it changes in `tests/` is its own test, which must fail without the rest.

mod chapters;
mod figure;
mod patch;
mod project;
pub mod refused;
mod stamps;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};
use xtask::Step;

use crate::files::files;
use crate::library::Library;
use crate::problem::{Problem, Problems};
use crate::settings;
pub(crate) use figure::figure;
use patch::Patch;
use project::Project;
use stamps::Stamps;

const FOLDER: &str = "book/exercises";

/// The solution of an exercise.
struct Solution<'a> {
    name: String,
    step: &'a Step,
    /// With the names of the step.
    patch: Patch,
    /// Of the patch as it is written and of what it was compiled with, whatever the step's number.
    stamp: String,
}

impl<'a> Solution<'a> {
    fn read(library: &'a Library, folder: &str, name: &str) -> Result<Self> {
        let written = library.read(&path(folder, name))?;
        let step = step(library, name).with_context(|| path(folder, name))?;
        let named = written
            .replace("{package}", &step.package)
            .replace("{crate}", &library.crate_name(step)?);
        let patch = Patch::parse(&named)?;
        // Other tests than its own can change without it: they are the step's.
        let compiled = library.normalised_files(step).filter(|(path, _)| {
            let others = ["tests/", "examples/"]
                .iter()
                .any(|it| path.starts_with(it));
            !others || path.ends_with("/common.rs") || patch.touches(path)
        });
        let stamp = stamp(compiled.chain([("patch", written.as_str())]));
        Ok(Self {
            name: name.to_owned(),
            step,
            patch,
            stamp,
        })
    }
}

/// What changes when one of these named texts does.
fn stamp<'a>(texts: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut hash = Sha256::new();
    for (path, text) in texts {
        hash.update(format!("{path}\n{}\n{text}", text.len()));
    }
    let mut stamp = String::new();
    for byte in hash.finalize() {
        let _ = write!(stamp, "{byte:02x}");
    }
    stamp
}

/// Where a patch is, from the root.
fn path(folder: &str, name: &str) -> String {
    format!("{folder}/{name}.patch")
}

/// The step that a patch belongs to: slugs may begin alike, so the longest counts.
fn step<'a>(library: &'a Library, name: &str) -> Result<&'a Step> {
    let begins = |step: &&Step| {
        let rest = name.strip_prefix(&step.slug);
        rest.is_some_and(|rest| rest.starts_with('-'))
    };
    let found = library.steps().iter().filter(begins);
    found
        .max_by_key(|step| step.slug.len())
        .context("the name begins with no slug of a step")
}

/// The names of all the patches of a folder.
fn names(root: &Path, folder: &str) -> Result<BTreeSet<String>> {
    let folder = root.join(folder);
    if !folder.exists() {
        return Ok(BTreeSet::new());
    }
    let found = files(&folder)?.into_iter();
    let patches = found.filter(|path| path.extension().is_some_and(|end| end == "patch"));
    Ok(patches
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .collect())
}

/// Applies and tests the named solutions of the repository at `root`, or all those that have
/// changed since they were, in a workspace under `target`, which shares what is compiled there.
///
/// # Errors
/// Lists the solutions that don't apply, whose tests fail, or pass without them.
pub fn exercises(root: &Path, target: &Path, asked: &[String]) -> Result<()> {
    tried(
        root,
        FOLDER,
        asked,
        |library, name| Solution::read(library, FOLDER, name),
        |solution| Project::new(root, target, solution)?.check(),
    )
}

/// Tries the patches of a folder that are asked for, or all those that aren't as they were when they
/// were tried, and keeps a stamp of each.
fn tried(
    root: &Path,
    folder: &str,
    asked: &[String],
    read: impl for<'a> Fn(&'a Library, &str) -> Result<Solution<'a>>,
    attempt: impl Fn(&Solution) -> Result<()>,
) -> Result<()> {
    let library = Library::load(root)?;
    let all = names(root, folder)?;
    let mut stamps = Stamps::load(root, folder, &all)?;
    let mut problems = Vec::new();
    for name in if asked.is_empty() {
        all
    } else {
        asked.iter().cloned().collect()
    } {
        let solution = read(&library, &name)?;
        if asked.is_empty() && stamps.is_fresh(&solution) {
            continue;
        }
        match attempt(&solution) {
            Ok(()) => {
                stamps.keep(&read(&library, &name)?)?;
                println!("{name}");
            }
            Err(error) => problems.push(Problem::of(path(folder, &name), format!("{error:#}"))),
        }
    }
    Problems(problems).into_result()?;
    Ok(())
}

/// What is wrong with the solutions, as far as it can be told without compiling them.
///
/// # Errors
/// When something can't be read.
pub fn check(root: &Path) -> Result<Vec<Problem>> {
    let library = Library::load(root)?;
    let names = names(root, FOLDER)?;
    let stamps = Stamps::load(root, FOLDER, &names)?;
    let mut problems = chapters::check(root, &names, &settings::load(&root.join("book"))?.1)?;
    for name in &names {
        match Solution::read(&library, FOLDER, name) {
            Ok(solution) if stamps.is_fresh(&solution) => {}
            Ok(solution) => {
                let message = match Project::applies(&solution) {
                    Ok(()) => format!(
                        "hasn't been tested on its step as it is: run cargo run -p book -- exercises {name}"
                    ),
                    Err(error) => format!("{error:#}"),
                };
                problems.push(Problem::of(path(FOLDER, name), message));
            }
            Err(error) => problems.push(Problem::of(path(FOLDER, name), format!("{error:#}"))),
        }
    }
    Ok(problems)
}
