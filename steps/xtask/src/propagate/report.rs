//! What a propagation tells, and what to do next.

use anstream::{eprintln, println};

use super::state::{State, Stop};
use crate::steps::FOLDER;

pub(super) fn nothing(slug: &str, revision: &str) {
    println!(
        "Nothing to propagate: `{slug}` is as in {revision}. If the edit is committed, give a commit from before it: --base REV"
    );
}

pub(super) fn aborted(slug: &str) {
    println!("The later steps are as before; `{slug}` keeps its edits.");
}

/// What was done in each step.
pub(super) fn done(state: &State) {
    for step in &state.done {
        if step.files.is_empty() {
            println!("{}: nothing to change", step.package);
        } else {
            println!("{}:", step.package);
        }
        for file in &step.files {
            println!("  {file}");
        }
        for note in &step.notes {
            println!("  note: {note}");
        }
    }
}

pub(super) fn stopped(state: &State) {
    let Some(stop) = &state.stopped else { return };
    let Stop { from, slug, .. } = stop;
    eprintln!("error: the edit of `{from}` conflicts with `{slug}` in:");
    for file in &stop.files {
        eprintln!("  {FOLDER}/{}/{file}", stop.folder);
    }
    eprintln!(
        "Mend these files (keep what belongs to `{slug}`, remove the markers), then run: cargo xtask propagate --continue\nTo give the later steps back as they were: cargo xtask propagate --abort"
    );
}

pub(super) fn next(state: &State) {
    let changed = state.done.iter().filter(|step| !step.files.is_empty());
    let packages: Vec<String> = changed.map(|step| format!("-p {}", step.package)).collect();
    if packages.is_empty() {
        println!("No later step needed the edit of `{}`.", state.slug);
    } else {
        println!("Now run: cargo test {}", packages.join(" "));
    }
    println!("Then: cargo xtask diffs");
}
