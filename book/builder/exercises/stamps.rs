//! Which patches were tried, on which state of their steps.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::Solution;
use crate::files;

/// The file of the stamps.
pub struct Stamps {
    path: PathBuf,
    by_name: BTreeMap<String, String>,
}

impl Stamps {
    /// Reads the stamps of the patches that there are in a folder.
    pub fn load(root: &Path, folder: &str, names: &BTreeSet<String>) -> Result<Self> {
        let path = root.join(folder).join("checked.toml");
        let text = if path.exists() {
            files::read(&path)?
        } else {
            String::new()
        };
        let mut by_name: BTreeMap<String, String> =
            toml::from_str(&text).with_context(|| path.display().to_string())?;
        by_name.retain(|name, _| names.contains(name));
        Ok(Self { path, by_name })
    }

    /// Whether the solution was tested as it is, on its step as it is.
    pub fn is_fresh(&self, solution: &Solution) -> bool {
        self.by_name.get(&solution.name) == Some(&solution.stamp)
    }

    /// Writes down that the solution was tested.
    pub fn keep(&mut self, solution: &Solution) -> Result<()> {
        self.by_name
            .insert(solution.name.clone(), solution.stamp.clone());
        files::write(&self.path, &toml::to_string(&self.by_name)?)
    }
}
