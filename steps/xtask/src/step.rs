//! One step: a complete crate.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use crate::names::Names;
use crate::{Tree, files, manifest};

/// One step, as its folder and its `Cargo.toml` describe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its place among the steps, from 1.
    pub number: u32,
    /// Its identity, which survives a renumbering: `persistence`.
    pub slug: String,
    /// Its package's name, also its folder's: `step03-persistence`.
    pub package: String,
    /// Its folder, absolute.
    pub directory: PathBuf,
    /// What it adds, in one sentence: the `description` of its `Cargo.toml`.
    pub description: String,
    /// The part of the series it goes with, if there is one.
    pub part: Option<u32>,
    /// The title of its chapter, in French.
    pub title: String,
}

impl Step {
    /// Its files as they are on disk, without build products, databases and snapshots under review.
    ///
    /// # Errors
    /// A file can't be read, or isn't text.
    pub fn source(&self) -> Result<Tree> {
        files::read(&self.directory)
    }

    /// Its files in a form that can be compared with another step's: crate names replaced by
    /// `task-engine` and `task_engine`, and `Cargo.toml` without what tells the step's identity.
    ///
    /// # Errors
    /// A file can't be read, or isn't text.
    pub fn normalised(&self) -> Result<Tree> {
        let mut tree = self.named(|_| Names::shared())?;
        if let Some(text) = tree.get_mut(manifest::FILE) {
            *text = manifest::anonymous(text);
        }
        Ok(tree)
    }

    /// Reads what `directory`, a folder named `stepNN-slug`, says of the step.
    pub(crate) fn load(directory: &Path, number: u32, slug: &str) -> Result<Self> {
        let path = directory.join(manifest::FILE);
        let found = manifest::package(&path, &files::read_text(&path)?)?;
        let package = directory
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        ensure!(
            found.name == package,
            "{}: the package is named `{}`: give it its folder's name, `{package}`",
            path.display(),
            found.name
        );
        Ok(Self {
            number,
            slug: slug.to_owned(),
            package,
            directory: directory.to_path_buf(),
            description: found.description,
            part: found.metadata.step.part,
            title: found.metadata.step.title,
        })
    }

    /// Its files under other names, given those that it has.
    pub(crate) fn named(&self, names: impl FnOnce(&Names) -> Names) -> Result<Tree> {
        let source = self.source()?;
        let own = Names::found_in(&self.package, &source);
        Ok(own.replace_in(&source, &names(&own)))
    }
}

/// Splits a folder's name, `step03-persistence`, into its number and slug.
pub(crate) fn parse_folder(name: &str) -> Option<(u32, &str)> {
    let (number, slug) = name.strip_prefix("step")?.split_once('-')?;
    let digits = number.len() >= 2 && number.bytes().all(|byte| byte.is_ascii_digit());
    (digits && !slug.is_empty()).then_some((number.parse().ok()?, slug))
}

/// The folder's name of a step.
pub(crate) fn folder(number: u32, slug: &str) -> String {
    format!("step{number:02}-{slug}")
}

#[cfg(test)]
mod tests {
    use super::parse_folder;

    #[test]
    fn only_numbered_folders_are_steps() {
        assert_eq!(parse_folder("step03-persistence"), Some((3, "persistence")));
        assert_eq!(parse_folder("step12-wake-up"), Some((12, "wake-up")));
        for other in ["xtask", "step3-loop", "step-loop", "step03", "stepper-ab"] {
            assert_eq!(parse_folder(other), None, "{other}");
        }
    }
}
