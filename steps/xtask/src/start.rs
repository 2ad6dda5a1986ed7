//! `cargo xtask start`: a project for a reader who types a step.

use std::fs;
use std::path::Path;

use anstream::println;
use anyhow::{Context as _, Result, ensure};

use crate::names::Names;
use crate::{Step, Steps, Tree, files, manifest};

/// What the reader is given of the step to type; the rest is the previous step's.
const GIVEN: [&str; 3] = ["tests/", "examples/", "benches/"];

/// What git should not see in the reader's project.
const IGNORED: &str = "/target/\n*.db\n*.db-shm\n*.db-wal\n*.snap.new\n";

/// Makes the project.
pub(crate) fn run(steps: &Steps, slug: &str, directory: &Path) -> Result<()> {
    let step = steps.find(slug)?;
    if directory.exists() {
        let mut entries = fs::read_dir(directory)
            .with_context(|| format!("can't read {}", directory.display()))?;
        ensure!(
            entries.next().is_none(),
            "{} isn't empty: give a folder that is, or that doesn't exist yet",
            directory.display()
        );
    }
    let mut tree = project(steps, step)?;
    tree.insert(".gitignore".to_owned(), IGNORED.to_owned());
    // The same versions as in the project; cargo leaves out those that aren't needed.
    let lock = steps.root().join("Cargo.lock");
    if lock.exists() {
        tree.insert("Cargo.lock".to_owned(), files::read_text(&lock)?);
    }
    for (path, text) in &tree {
        files::write_text(&directory.join(path), text)?;
    }
    explain(steps, step, directory);
    Ok(())
}

/// The previous step under the name of this one, with this one's manifest, tests and examples.
fn project(steps: &Steps, step: &Step) -> Result<Tree> {
    let source = step.source()?;
    let mut tree = match steps.previous(step) {
        Some(previous) => previous.named(|_| Names::found_in(&step.package, &source))?,
        None => skeleton(),
    };
    let is_given = |path: &String| GIVEN.iter().any(|folder| path.starts_with(folder));
    tree.retain(|path, _| !is_given(path));
    let given = source.iter().filter(|(path, _)| is_given(path));
    tree.extend(given.map(|(path, text)| (path.clone(), text.clone())));
    if let Some(text) = source.get(manifest::FILE) {
        tree.insert(
            manifest::FILE.to_owned(),
            manifest::standalone(steps.root(), text)?,
        );
    }
    Ok(tree)
}

fn skeleton() -> Tree {
    Tree::from([
        ("src/lib.rs".to_owned(), "//! A task engine.\n".to_owned()),
        (
            "src/main.rs".to_owned(),
            "//! The command line of the task engine.\n\nfn main() {}\n".to_owned(),
        ),
    ])
}

fn explain(steps: &Steps, step: &Step, directory: &Path) {
    let (slug, title) = (&step.slug, &step.title);
    let directory = directory.display();
    match steps.previous(step) {
        Some(previous) => println!(
            "{directory} holds the step `{}`, with the tests and examples of `{slug}`.",
            previous.slug
        ),
        None => {
            println!(
                "{directory} holds an empty program, with the tests and examples of `{slug}`."
            );
        }
    }
    println!(
        "They don't compile or pass yet. Read the chapter « {title} », type it there, and run:\n  in {directory}, this step's tests: cargo test\n  here, the acceptance checks on your program: cargo xtask check {slug} {directory}"
    );
}
