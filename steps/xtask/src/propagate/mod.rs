//! `cargo xtask propagate`: carries an edit made in one step to the following ones.
//!
//! The edit is the difference between the step at a commit and the step on disk. It is merged into
//! the next step; what this changes there is the edit that is merged into the one after, and so on.
//! The later steps are committed before it starts: git has them as they were.

mod masked;
mod merge;

use std::fs;
use std::path::{Path, PathBuf};

use anstream::println;
use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use self::masked::Mask;
use self::merge::{has_markers, merge};
use crate::git::Git;
use crate::steps::FOLDER;
use crate::{Step, Steps, Tree, files};

/// A propagation that has stopped at a conflict.
#[derive(Serialize, Deserialize)]
struct State {
    /// The edited step.
    slug: String,
    /// The last commit when it began.
    head: String,
    /// The step that has the conflict.
    stopped_in: String,
    /// Its files with conflict markers, from the root of the project.
    files: Vec<String>,
}

/// Propagates the edits made in a step since `revision`.
pub(crate) fn start(root: &Path, slug: &str, revision: &str) -> Result<()> {
    let git = Git::new(root);
    if let Some(State { slug, .. }) = load(&git)? {
        bail!(
            "a propagation of `{slug}` is under way: end it with `cargo xtask propagate --continue`, or undo it with `cargo xtask propagate --abort`"
        );
    }
    let steps = Steps::load(root)?;
    let step = steps.find(slug)?;
    refuse_edits(&git, &steps, step)?;
    let base = git.commit(revision)?;
    let folder = git.step_folder(&base, slug)?.with_context(|| {
        format!(
            "there is no step `{slug}` in {revision}, so nothing tells its edits: commit it first, or give a commit that has it: --base REV"
        )
    })?;
    let (_, before) = Mask::apply(&folder, &git.step_source(&base, &folder)?)?;
    if before == masked(step)? {
        println!(
            "Nothing to propagate: `{slug}` is as in {revision}. If the edit is committed, give a commit from before it: --base REV"
        );
        return Ok(());
    }
    carry(&git, &steps, slug, &git.commit("HEAD")?, step, before)
}

/// Goes on after the conflicts were mended.
pub(crate) fn resume(root: &Path) -> Result<()> {
    let git = Git::new(root);
    let state = load(&git)?.context(NONE)?;
    let mut unmended = Vec::new();
    for file in &state.files {
        // A mended file may be a deleted one.
        let path = root.join(file);
        if path.exists() && has_markers(&files::read_text(&path)?) {
            unmended.push(file.as_str());
        }
    }
    ensure!(
        unmended.is_empty(),
        "conflict markers remain in:\n  {}\nmend these files, then run `cargo xtask propagate --continue` again, or give up with `cargo xtask propagate --abort`",
        unmended.join("\n  ")
    );
    let steps = Steps::load(root)?;
    let mended = steps.find(&state.stopped_in)?;
    refuse_edits(&git, &steps, mended)?;
    let source = git.step_source(&state.head, &mended.package)?;
    let (_, before) = Mask::apply(&mended.package, &source)?;
    carry(&git, &steps, &state.slug, &state.head, mended, before)
}

/// Gives the later steps back as they were before the propagation.
pub(crate) fn abort(root: &Path) -> Result<()> {
    let git = Git::new(root);
    let State { slug, head, .. } = load(&git)?.context(NONE)?;
    let steps = Steps::load(root)?;
    git.restore(&head, &later(&steps, steps.find(&slug)?))?;
    forget(&git)?;
    println!("The later steps are as before; `{slug}` keeps its edits.");
    Ok(())
}

/// Merges what `edited` has become since `before` into the next step, and so on to the last or to a
/// conflict. All is computed before anything is written.
fn carry<'a>(
    git: &Git,
    steps: &'a Steps,
    slug: &str,
    head: &str,
    mut edited: &'a Step,
    mut before: Tree,
) -> Result<()> {
    let first = steps.find(slug)?;
    let mut after = masked(edited)?;
    let mut writes = Vec::new();
    let mut stopped = None;
    while let Some(next) = steps.next(edited)
        && stopped.is_none()
    {
        let (mask, ours) = Mask::apply(&next.package, &next.source()?)?;
        let slugs = [edited.slug.as_str(), next.slug.as_str()];
        let merged = merge(git, slugs, [&before, &after, &ours])?;
        for path in &merged.snapshots {
            println!(
                "{}: a conflict in {path}, left as it was: run INSTA_UPDATE=always cargo test -p {0} and review the difference",
                next.package
            );
        }
        writes.push((next, mask.remove(&merged.tree)));
        if !merged.conflicts.is_empty() {
            let files = mask.remove(&merged.conflicts).into_keys();
            stopped = Some((
                edited,
                State {
                    slug: slug.to_owned(),
                    head: head.to_owned(),
                    stopped_in: next.slug.clone(),
                    files: files
                        .map(|file| format!("{FOLDER}/{}/{file}", next.package))
                        .collect(),
                },
            ));
        }
        (before, after, edited) = (ours, merged.tree, next);
    }
    for (step, tree) in writes {
        files::replace(&step.directory, &tree)?;
    }
    let changed = git.edited(&later(steps, first))?;
    for file in &changed {
        println!("  {file}");
    }
    let Some((from, state)) = stopped else {
        return end(git, steps, first, &changed);
    };
    files::write_text(&path(git)?, &serde_json::to_string(&state)?)?;
    bail!(
        "the edit of `{}` conflicts with `{into}` in:\n  {}\nMend these files (keep what belongs to `{into}`, remove the markers; put the edit of a file that `{into}` doesn't have where it belongs now, and delete that file), then run: cargo xtask propagate --continue\nTo give the later steps back as they were: cargo xtask propagate --abort",
        from.slug,
        state.files.join("\n  "),
        into = state.stopped_in,
    )
}

fn end(git: &Git, steps: &Steps, first: &Step, changed: &[String]) -> Result<()> {
    forget(git)?;
    let is_changed = |step: &&Step| {
        let folder = format!("{FOLDER}/{}/", step.package);
        step.number > first.number && changed.iter().any(|file| file.contains(&folder))
    };
    let tests: Vec<String> = steps
        .iter()
        .filter(is_changed)
        .map(|step| format!("-p {}", step.package))
        .collect();
    if tests.is_empty() {
        println!("No later step needed the edit of `{}`.", first.slug);
    } else {
        println!("Now run: cargo test {}", tests.join(" "));
    }
    println!("Then: cargo xtask diffs");
    Ok(())
}

/// A step as it is on disk, masked.
fn masked(step: &Step) -> Result<Tree> {
    Ok(Mask::apply(&step.package, &step.source()?)?.1)
}

/// The folders of the steps after this one.
fn later<'a>(steps: &'a Steps, step: &Step) -> Vec<&'a Path> {
    let later = steps.iter().filter(|other| other.number > step.number);
    later.map(|step| step.directory.as_path()).collect()
}

fn refuse_edits(git: &Git, steps: &Steps, step: &Step) -> Result<()> {
    let edited = git.edited(&later(steps, step))?;
    ensure!(
        edited.is_empty(),
        "later steps have uncommitted edits, which a propagation could mix with its own:\n  {}\ncommit them or undo them, then run this again",
        edited.join("\n  ")
    );
    Ok(())
}

const NONE: &str = "no propagation is under way; start one with `cargo xtask propagate SLUG`";

fn path(git: &Git) -> Result<PathBuf> {
    Ok(git.directory()?.join("xtask-propagate.json"))
}

fn load(git: &Git) -> Result<Option<State>> {
    let path = path(git)?;
    if !path.exists() {
        return Ok(None);
    }
    let state = serde_json::from_str(&files::read_text(&path)?);
    state.map(Some).with_context(|| {
        format!(
            "{}: if no propagation is under way, delete this file",
            path.display()
        )
    })
}

fn forget(git: &Git) -> Result<()> {
    let path = path(git)?;
    if path.exists() {
        fs::remove_file(&path).with_context(|| format!("can't delete {}", path.display()))?;
    }
    Ok(())
}
