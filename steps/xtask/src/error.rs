//! What can go wrong, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was attempted, as a verb: "read", "write" …
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },

    /// A step holds a file that is not UTF-8 text.
    #[error("{} is not UTF-8 text: a step holds text files only; move this file out of the step", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },

    /// A `Cargo.toml` could not be understood, or lacks what a step needs.
    #[error("{}: {message}", path.display())]
    Manifest {
        /// The `Cargo.toml`.
        path: PathBuf,
        /// What is wrong with it, and what it should hold.
        message: String,
    },

    /// The folders of the steps do not follow each other.
    #[error("{}: {message}", folder.display())]
    Numbering {
        /// The folder that holds the steps.
        folder: PathBuf,
        /// The gap or the duplicate.
        message: String,
    },

    /// No step has this slug.
    #[error("there is no step `{slug}`; the steps are: {known}")]
    UnknownSlug {
        /// The slug that was asked for.
        slug: String,
        /// The slugs that exist, in order.
        known: String,
    },

    /// The current folder isn't in a project.
    #[error("{} isn't inside the project: no folder above it holds `steps/` and `Cargo.toml`; run this from the project", here.display())]
    NoProject {
        /// The current folder.
        here: PathBuf,
    },

    /// Git refused something.
    #[error("`git {command}` failed: {message}")]
    Git {
        /// Its arguments.
        command: String,
        /// What it said.
        message: String,
    },

    /// A text holds a character that the propagation needs for itself.
    #[error(
        "{file} holds the character `{character}`, which the propagation uses for its marks: write it otherwise, as an escape for instance"
    )]
    ReservedCharacter {
        /// The file.
        file: String,
        /// The character.
        character: char,
    },

    /// Steps after the edited one have edits of their own.
    #[error(
        "later steps have uncommitted edits, which a propagation could mix with its own:{}\ncommit them or undo them, then run this again",
        lines(files)
    )]
    LaterStepsEdited {
        /// The edited files.
        files: Vec<String>,
    },

    /// The step doesn't exist in the revision its edits would be counted from.
    #[error(
        "there is no step `{slug}` in {revision}, so nothing tells its edits: commit it first, or give a commit that has it: --base REV"
    )]
    NotInRevision {
        /// The step.
        slug: String,
        /// The revision.
        revision: String,
    },

    /// A propagation has stopped and waits.
    #[error(
        "a propagation of `{slug}` is under way: end it with `cargo xtask propagate --continue`, or undo it with `cargo xtask propagate --abort`"
    )]
    PropagationUnderWay {
        /// The step it started from.
        slug: String,
    },

    /// There is no propagation to go on with, or to undo.
    #[error("no propagation is under way; start one with `cargo xtask propagate SLUG`")]
    NoPropagation,

    /// A propagation was killed while it wrote files.
    #[error(
        "the propagation of `{slug}` was interrupted while it wrote files: run `cargo xtask propagate --abort`, then `cargo xtask propagate {slug}` again"
    )]
    Interrupted {
        /// The step it started from.
        slug: String,
    },

    /// Files still have conflict markers.
    #[error(
        "conflict markers remain in:{}\nmend these files, then run `cargo xtask propagate --continue` again, or give up with `cargo xtask propagate --abort`",
        lines(files)
    )]
    Markers {
        /// The files.
        files: Vec<String>,
    },

    /// Steps have edits that an insertion would hide.
    #[error(
        "steps have uncommitted edits, which could no longer be told from the insertion:{}\ncommit them or undo them, then run this again",
        lines(files)
    )]
    StepsEdited {
        /// The edited files.
        files: Vec<String>,
    },

    /// A slug that can't be a part of a package's name.
    #[error(
        "`{slug}` can't be a slug: write it in lower-case letters and digits, in words joined by hyphens, the first one beginning with a letter"
    )]
    BadSlug {
        /// The slug.
        slug: String,
    },

    /// A slug that another step has.
    #[error("there is a step `{slug}` already: choose another slug")]
    SlugTaken {
        /// The slug.
        slug: String,
    },

    /// There is nothing to copy a new step from.
    #[error(
        "`{slug}` is the first step: a new step is a copy of the one before it, and there is none"
    )]
    NothingBefore {
        /// The first step.
        slug: String,
    },

    /// A folder that should be empty is not.
    #[error("{} isn't empty: give a folder that is, or that doesn't exist yet", directory.display())]
    NotEmpty {
        /// The folder.
        directory: PathBuf,
    },

    /// A folder holds no program.
    #[error("{}: {message}", directory.display())]
    NoProgram {
        /// The folder.
        directory: PathBuf,
        /// What is missing, and what to do.
        message: String,
    },

    /// What a propagation remembers can't be read or written.
    #[error("{}: {message}; if no propagation is under way, delete this file", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
}

/// One indented line for each file.
fn lines(files: &[String]) -> String {
    let mut lines = String::new();
    for file in files {
        lines.push_str("\n  ");
        lines.push_str(file);
    }
    lines
}

impl Error {
    /// Adapts an I/O error for `map_err`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    /// Says what is wrong with a manifest.
    pub(crate) fn manifest(path: &Path, message: &(impl ToString + ?Sized)) -> Self {
        Self::Manifest {
            path: path.to_path_buf(),
            message: message.to_string(),
        }
    }
}
