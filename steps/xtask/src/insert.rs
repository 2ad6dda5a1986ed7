//! `cargo xtask insert`: a new step between two others.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anstream::println;
use toml_edit::value;

use crate::git::Git;
use crate::list::TODO;
use crate::names::Names;
use crate::step::folder;
use crate::steps::FOLDER;
use crate::{Error, Step, Steps, Tree, diffs, files, manifest};

/// A step that gets another number.
struct Move {
    from: PathBuf,
    to: PathBuf,
    tree: Tree,
}

/// Inserts the step `new` before the step `slug`, as a copy of its predecessor.
pub(crate) fn run(steps: &Steps, new: &str, slug: &str) -> Result<ExitCode, Error> {
    let following = steps.find(slug)?;
    check_slug(steps, new)?;
    let Some(model) = steps.previous(following) else {
        return Err(Error::NothingBefore {
            slug: slug.to_owned(),
        });
    };
    refuse_edits(steps)?;

    let package = folder(following.number, new);
    let mut tree = model
        .names()
        .replace_in(&model.source()?, &Names::of(&package));
    let directory = steps.root().join(FOLDER).join(&package);
    if let Some(text) = tree.get_mut(manifest::FILE) {
        *text = unwritten(&directory.join(manifest::FILE), text)?;
    }
    let following = steps.iter().filter(|step| step.number >= following.number);
    let moves = following
        .map(renumbered)
        .collect::<Result<Vec<_>, Error>>()?;

    for step in &moves {
        fs::rename(&step.from, &step.to).map_err(Error::io("rename", &step.from))?;
        files::replace(&step.to, &step.tree)?;
        println!("{} is now {}", name(&step.from), name(&step.to));
    }
    files::replace(&directory, &tree)?;
    println!("{package} written, a copy of {}", model.package);
    diffs::write(&Steps::load(steps.root())?)?;
    println!(
        "Now write its description and title in {FOLDER}/{package}/Cargo.toml, run cargo fmt, and commit: the renumbering is one idea, what the step adds is another."
    );
    Ok(ExitCode::SUCCESS)
}

fn check_slug(steps: &Steps, slug: &str) -> Result<(), Error> {
    let is_word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    if !slug.starts_with(|first: char| first.is_ascii_lowercase()) || !slug.split('-').all(is_word)
    {
        return Err(Error::BadSlug {
            slug: slug.to_owned(),
        });
    }
    if steps.iter().any(|step| step.slug == slug) {
        return Err(Error::SlugTaken {
            slug: slug.to_owned(),
        });
    }
    Ok(())
}

fn refuse_edits(steps: &Steps) -> Result<(), Error> {
    let folders: Vec<&Path> = steps.iter().map(|step| step.directory.as_path()).collect();
    let files = Git::new(steps.root()).edited(&folders)?;
    if files.is_empty() {
        Ok(())
    } else {
        Err(Error::StepsEdited { files })
    }
}

/// A step moved one place down.
fn renumbered(step: &Step) -> Result<Move, Error> {
    let package = folder(step.number + 1, &step.slug);
    Ok(Move {
        from: step.directory.clone(),
        to: step.directory.with_file_name(&package),
        tree: step
            .names()
            .replace_in(&step.source()?, &Names::of(&package)),
    })
}

/// The manifest of a step that remains to be written.
fn unwritten(path: &Path, text: &str) -> Result<String, Error> {
    let mut document = manifest::parse(path, text)?;
    document["package"]["description"] = value(TODO);
    document["package"]["metadata"]["step"]["title"] = value(TODO);
    Ok(document.to_string())
}

fn name(directory: &Path) -> String {
    let name = directory.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
