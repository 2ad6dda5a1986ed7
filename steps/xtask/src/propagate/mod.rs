//! `cargo xtask propagate`: carries an edit made in one step to the following ones.
//!
//! The edit is the difference between the step at a commit and the step on disk. It is merged into
//! the next step; what this changes there is the edit that is merged into the one after, and so on.

mod masked;
mod merge;
mod report;
mod state;

use std::path::Path;
use std::process::ExitCode;

use serde::{Deserialize, Serialize};

use self::masked::Mask;
use self::merge::{Edit, Merged, has_markers, merge};
use self::state::{State, Stop};
use crate::change::compare;
use crate::git::Git;
use crate::steps::FOLDER;
use crate::{Error, Step, Steps, Tree, files};

/// What the propagation did in one step.
#[derive(Serialize, Deserialize)]
struct Propagated {
    package: String,
    files: Vec<String>,
    notes: Vec<String>,
}

/// Propagates the edits made in a step since `revision`.
pub(crate) fn start(root: &Path, slug: &str, revision: &str) -> Result<ExitCode, Error> {
    let git = Git::new(root);
    if let Some(state) = State::load(&git)? {
        return Err(Error::PropagationUnderWay { slug: state.slug });
    }
    let steps = Steps::load(root)?;
    let step = steps.find(slug)?;
    let later: Vec<&Step> = steps
        .iter()
        .filter(|other| other.number > step.number)
        .collect();
    refuse_edits(&git, &later)?;
    let base = git.commit(revision)?;
    let Some(before) = committed(&git, &base, step)? else {
        return Err(Error::NotInRevision {
            slug: slug.to_owned(),
            revision: revision.to_owned(),
        });
    };
    if before == masked(step)? {
        report::nothing(slug, revision);
        return Ok(ExitCode::SUCCESS);
    }
    let originals = later
        .iter()
        .map(|step| Ok((step.package.clone(), step.source()?)))
        .collect::<Result<_, Error>>()?;
    let state = State {
        slug: slug.to_owned(),
        base,
        originals,
        done: Vec::new(),
        stopped: None,
    };
    run(&git, &steps, step, state)
}

/// Goes on after the conflicts were mended.
pub(crate) fn resume(root: &Path) -> Result<ExitCode, Error> {
    let git = Git::new(root);
    let mut state = State::load(&git)?.ok_or(Error::NoPropagation)?;
    let Some(stopped) = state.stopped.take() else {
        return Err(Error::Interrupted { slug: state.slug });
    };
    let folder = root.join(FOLDER).join(&stopped.folder);
    let mut unmended = Vec::new();
    for file in &stopped.files {
        // A mended file may be a deleted one.
        let path = folder.join(file);
        if path.exists() && has_markers(&files::read_text(&path)?) {
            unmended.push(format!("{FOLDER}/{}/{file}", stopped.folder));
        }
    }
    if !unmended.is_empty() {
        return Err(Error::Markers { files: unmended });
    }
    let steps = Steps::load(root)?;
    let mended = steps.find(&stopped.slug)?;
    let later: Vec<&Step> = steps
        .iter()
        .filter(|other| other.number > mended.number)
        .collect();
    refuse_edits(&git, &later)?;
    run(&git, &steps, mended, state)
}

/// Gives the later steps back as they were before the propagation.
pub(crate) fn abort(root: &Path) -> Result<ExitCode, Error> {
    let git = Git::new(root);
    let state = State::load(&git)?.ok_or(Error::NoPropagation)?;
    for (folder, tree) in &state.originals {
        files::replace(&root.join(FOLDER).join(folder), tree)?;
    }
    State::forget(&git)?;
    report::aborted(&state.slug);
    Ok(ExitCode::SUCCESS)
}

/// Merges the edit of `edited` into the next step, and so on to the last or to a conflict.
///
/// All is computed before anything is written.
fn run(git: &Git, steps: &Steps, edited: &Step, mut state: State) -> Result<ExitCode, Error> {
    let mut edited = edited;
    let mut after = masked(edited)?;
    let mut writes = Vec::new();
    let mut conflict = None;
    while let Some(next) = steps.next(edited)
        && conflict.is_none()
    {
        let before = base(git, &state, edited)?;
        let source = next.source()?;
        let (mask, ours) = Mask::apply(&next.package, &source)?;
        let edit = Edit {
            slug: &edited.slug,
            before: &before,
            after: &after,
        };
        let merged = merge(git, &edit, &next.slug, &ours)?;
        let tree = mask.remove(&merged.tree);
        conflict = stop(&edited.slug, next, &mask, &merged);
        state
            .done
            .push(propagated(next, &source, &tree, merged.notes));
        writes.push((next, tree));
        after = merged.tree;
        edited = next;
    }
    // Saved as unfinished before the first write: whatever happens, it can be undone.
    state.save(git)?;
    for (step, tree) in writes {
        files::replace(&step.directory, &tree)?;
    }
    report::done(&state);
    if conflict.is_some() {
        state.stopped = conflict;
        state.save(git)?;
        report::stopped(&state);
        return Ok(ExitCode::FAILURE);
    }
    State::forget(git)?;
    report::next(&state);
    Ok(ExitCode::SUCCESS)
}

/// Where the propagation stops, if merging the edit of `from` into `step` gave conflicts.
fn stop(from: &str, step: &Step, mask: &Mask, merged: &Merged) -> Option<Stop> {
    let conflicts = merged.conflicts.iter().cloned();
    let paths: Tree = conflicts.map(|path| (path, String::new())).collect();
    (!paths.is_empty()).then(|| Stop {
        from: from.to_owned(),
        slug: step.slug.clone(),
        folder: step.package.clone(),
        files: mask.remove(&paths).into_keys().collect(),
    })
}

/// A step as it was before: at the commit the edits are counted from or, if it wasn't there yet,
/// before the propagation.
fn base(git: &Git, state: &State, step: &Step) -> Result<Tree, Error> {
    if let Some(tree) = committed(git, &state.base, step)? {
        return Ok(tree);
    }
    match state.originals.get(&step.package) {
        Some(source) => Ok(Mask::apply(&step.package, source)?.1),
        None => masked(step),
    }
}

/// A step as it was at a commit, masked.
fn committed(git: &Git, commit: &str, step: &Step) -> Result<Option<Tree>, Error> {
    let Some(folder) = git.step_folder(commit, &step.slug)? else {
        return Ok(None);
    };
    let source = git.step_source(commit, &folder)?;
    Ok(Some(Mask::apply(&folder, &source)?.1))
}

/// A step as it is on disk, masked.
fn masked(step: &Step) -> Result<Tree, Error> {
    Ok(Mask::apply(&step.package, &step.source()?)?.1)
}

fn refuse_edits(git: &Git, steps: &[&Step]) -> Result<(), Error> {
    let folders: Vec<&Path> = steps.iter().map(|step| step.directory.as_path()).collect();
    let files = git.edited(&folders)?;
    if files.is_empty() {
        Ok(())
    } else {
        Err(Error::LaterStepsEdited { files })
    }
}

fn propagated(step: &Step, before: &Tree, after: &Tree, notes: Vec<String>) -> Propagated {
    let files = compare(before, after).into_iter().map(|change| {
        let what = match (&change.old, &change.new) {
            (None, _) => "added",
            (_, None) => "deleted",
            _ => "changed",
        };
        format!("{what} {}", change.path)
    });
    Propagated {
        package: step.package.clone(),
        files: files.collect(),
        notes: notes
            .into_iter()
            .map(|note| note.replace("PACKAGE", &step.package))
            .collect(),
    }
}
