//! `cargo xtask insert`: a new step between two others.

use std::fs;
use std::path::Path;

use anstream::println;
use anyhow::{Context as _, Result, ensure};

use crate::git::Git;
use crate::names::Names;
use crate::step::folder;
use crate::steps::FOLDER;
use crate::{Steps, diffs, files, manifest};

/// Recorded sessions, and chapters: they show the names of the packages that one runs.
const TEXTS: [&str; 2] = ["book/transcripts", "book/src"];

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
    let mut texts = Vec::new();
    for folder in TEXTS.map(|folder| steps.root().join(folder)) {
        let text = files::read(&folder)?;
        texts.push((folder, text));
    }
    // All is read before anything is written.
    let mut moves = Vec::new();
    for step in steps.iter().filter(|step| step.number >= following.number) {
        let source = step.source()?;
        let names = Names::found_in(&step.package, &source);
        let package = folder(step.number + 1, &step.slug);
        let renamed = names.renamed(&package);
        for (_, text) in &mut texts {
            *text = names.replace_in(text, &renamed);
        }
        moves.push((step, package, names.replace_in(&source, &renamed)));
    }

    for (step, package, tree) in moves {
        let to = step.directory.with_file_name(&package);
        fs::rename(&step.directory, &to)
            .with_context(|| format!("can't rename {}", step.directory.display()))?;
        files::replace(&to, &tree)?;
        println!("{} is now {package}", step.package);
    }
    for (folder, text) in texts {
        files::replace(&folder, &text)?;
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
