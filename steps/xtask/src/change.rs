//! What differs between two trees.

use std::collections::BTreeSet;

use crate::Tree;

/// What became of one file between two steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The file's path, relative to the step's folder.
    pub path: String,
    /// Its text before; `None` when the file is new.
    pub old: Option<String>,
    /// Its text after; `None` when the file was deleted.
    pub new: Option<String>,
}

/// The files that differ between two trees, sorted by path.
#[must_use]
pub fn compare(old: &Tree, new: &Tree) -> Vec<Change> {
    let paths: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    paths
        .into_iter()
        .filter(|path| old.get(*path) != new.get(*path))
        .map(|path| Change {
            path: path.clone(),
            old: old.get(path).cloned(),
            new: new.get(path).cloned(),
        })
        .collect()
}
