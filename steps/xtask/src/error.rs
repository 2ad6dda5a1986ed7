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
