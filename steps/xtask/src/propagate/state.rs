//! What a propagation remembers while somebody mends a conflict.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Propagated;
use crate::git::Git;
use crate::{Error, Tree, files};

/// The name of the file that holds the state, in git's own folder.
const FILE: &str = "xtask-propagate.json";

/// A propagation under way.
#[derive(Serialize, Deserialize)]
pub(super) struct State {
    /// The edited step.
    pub(super) slug: String,
    /// The commit the edits are counted from.
    pub(super) base: String,
    /// The later steps as they were before, by the names of their folders.
    pub(super) originals: BTreeMap<String, Tree>,
    /// What was done so far.
    pub(super) done: Vec<Propagated>,
    /// The step that has a conflict; none while files are being written.
    pub(super) stopped: Option<Stop>,
}

/// Where a propagation stopped.
#[derive(Serialize, Deserialize)]
pub(super) struct Stop {
    /// The step whose edit could not be merged.
    pub(super) from: String,
    /// The step it could not be merged into.
    pub(super) slug: String,
    /// The name of its folder.
    pub(super) folder: String,
    /// Its files with conflict markers.
    pub(super) files: Vec<String>,
}

impl State {
    /// The state of the propagation under way, if there is one.
    pub(super) fn load(git: &Git) -> Result<Option<Self>, Error> {
        let path = path(git)?;
        if !path.exists() {
            return Ok(None);
        }
        let text = files::read_text(&path)?;
        let state = serde_json::from_str(&text).map_err(|error| Error::State {
            path,
            message: error.to_string(),
        })?;
        Ok(Some(state))
    }

    pub(super) fn save(&self, git: &Git) -> Result<(), Error> {
        let path = path(git)?;
        let text = serde_json::to_string_pretty(self).map_err(|error| Error::State {
            path: path.clone(),
            message: error.to_string(),
        })?;
        files::write_text(&path, &text)
    }

    pub(super) fn forget(git: &Git) -> Result<(), Error> {
        let path = path(git)?;
        fs::remove_file(&path).map_err(Error::io("delete", &path))
    }
}

fn path(git: &Git) -> Result<PathBuf, Error> {
    Ok(git.directory()?.join(FILE))
}
