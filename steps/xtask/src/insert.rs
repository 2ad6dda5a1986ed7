//! `cargo xtask insert`: a new step between two others.

use std::fs;
use std::path::{Path, PathBuf};

use anstream::println;
use anyhow::{Context as _, Result, ensure};

use crate::git::Git;
use crate::step::folder;
use crate::steps::FOLDER;
use crate::{Step, Steps, Tree, diffs, files, manifest};

/// A step that gets another number.
struct Move {
    from: PathBuf,
    to: PathBuf,
    tree: Tree,
}

/// Inserts the step `new` before the step `slug`, as a copy of its predecessor.
pub(crate) fn run(steps: &Steps, new: &str, slug: &str) -> Result<()> {
    let following = steps.find(slug)?;
    check_slug(steps, new)?;
    let model = steps.previous(following).with_context(|| {
        format!("`{slug}` is the first step: a new step is a copy of the one before it, and there is none")
    })?;
    refuse_edits(steps)?;

    let package = folder(following.number, new);
    let mut tree = model.named(|names| names.renamed(&package))?;
    let directory = steps.root().join(FOLDER).join(&package);
    if let Some(text) = tree.get_mut(manifest::FILE) {
        *text = manifest::unwritten(text);
    }
    let following = steps.iter().filter(|step| step.number >= following.number);
    let moves = following.map(renumbered).collect::<Result<Vec<_>>>()?;

    for step in &moves {
        fs::rename(&step.from, &step.to)
            .with_context(|| format!("can't rename {}", step.from.display()))?;
        files::replace(&step.to, &step.tree)?;
        println!("{} is now {}", name(&step.from), name(&step.to));
    }
    files::replace(&directory, &tree)?;
    println!("{package} written, a copy of {}", model.package);
    diffs::write(&Steps::load(steps.root())?)?;
    println!(
        "Now write its description and title in {FOLDER}/{package}/Cargo.toml, run cargo fmt, and commit: the renumbering is one idea, what the step adds is another."
    );
    Ok(())
}

fn check_slug(steps: &Steps, slug: &str) -> Result<()> {
    let is_word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    ensure!(
        slug.starts_with(|first: char| first.is_ascii_lowercase()) && slug.split('-').all(is_word),
        "`{slug}` can't be a slug: write it in lower-case letters and digits, in words joined by hyphens, the first one beginning with a letter"
    );
    ensure!(
        steps.iter().all(|step| step.slug != slug),
        "there is a step `{slug}` already: choose another slug"
    );
    Ok(())
}

fn refuse_edits(steps: &Steps) -> Result<()> {
    let folders: Vec<&Path> = steps.iter().map(|step| step.directory.as_path()).collect();
    let files = Git::new(steps.root()).edited(&folders)?;
    ensure!(
        files.is_empty(),
        "steps have uncommitted edits, which could no longer be told from the insertion:\n  {}\ncommit them or undo them, then run this again",
        files.join("\n  ")
    );
    Ok(())
}

/// A step moved one place down.
fn renumbered(step: &Step) -> Result<Move> {
    let package = folder(step.number + 1, &step.slug);
    Ok(Move {
        from: step.directory.clone(),
        to: step.directory.with_file_name(&package),
        tree: step.named(|names| names.renamed(&package))?,
    })
}

fn name(directory: &Path) -> String {
    let name = directory.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
