//! The programs that a session runs, built beforehand.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use anyhow::{Context as _, Result, ensure};
use regex::Regex;
use serde::Deserialize;

static PACKAGE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\bcargo run [^|;&]*?-p ([\w-]+)").expect("the pattern is a constant")
});

/// Where the programs of the workspace are.
pub struct Programs {
    /// The folder of the programs; that of the examples is in it.
    pub folder: PathBuf,
}

#[derive(Deserialize)]
struct Metadata {
    target_directory: PathBuf,
}

impl Programs {
    /// Builds the packages that `commands` run, so that a session shows no
    /// compilation and waits for none.
    ///
    /// # Errors
    /// When a package can't be built.
    pub fn build(root: &Path, commands: &[String]) -> Result<Self> {
        let packages: BTreeSet<&str> = commands
            .iter()
            .flat_map(|command| PACKAGE.captures_iter(command))
            .filter_map(|found| Some(found.get(1)?.as_str()))
            .collect();
        for package in packages {
            let status = Command::new("cargo")
                .args(["build", "--quiet", "--bins", "--examples", "-p", package])
                .current_dir(root)
                .status()
                .context("can't run cargo")?;
            ensure!(status.success(), "can't build {package}");
        }
        let output = Command::new("cargo")
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .current_dir(root)
            .output()
            .context("can't run cargo")?;
        let metadata: Metadata = serde_json::from_slice(&output.stdout)
            .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
        Ok(Self {
            folder: metadata.target_directory.join("debug"),
        })
    }
}
