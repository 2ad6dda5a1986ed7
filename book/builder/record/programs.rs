//! The programs that a session runs, built beforehand.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use anyhow::{Context as _, Result, ensure};
use regex::Regex;
use serde::Deserialize;

use super::session::Session;

static PACKAGE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\bcargo run [^|;&]*?-p ([\w-]+)").expect("the pattern is a constant")
});

/// Where the programs of the workspace are.
pub struct Programs {
    /// The folder of the programs; that of the examples is in it.
    pub folder: PathBuf,
    /// The folder of the workspace.
    pub workspace: PathBuf,
}

#[derive(Deserialize)]
struct Metadata {
    target_directory: PathBuf,
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

impl Programs {
    /// Builds the packages that the sessions run, by `cargo run` or by the name of
    /// a program that `cargo install` would install, so that a session shows no
    /// compilation and waits for none.
    pub fn build<'a>(root: &Path, sessions: impl Iterator<Item = &'a Session>) -> Result<Self> {
        let metadata = metadata(root)?;
        let commands: Vec<&str> = sessions
            .flat_map(|session| session.commands.iter().map(String::as_str))
            .collect();
        let run = commands
            .iter()
            .flat_map(|command| PACKAGE.captures_iter(command))
            .filter_map(|found| Some(found.get(1)?.as_str()));
        let installed = metadata
            .packages
            .iter()
            .filter(|package| package.installs_one_of(&commands))
            .map(|package| package.name.as_str());
        let packages: BTreeSet<&str> = run.chain(installed).collect();
        if !packages.is_empty() {
            let status = Command::new("cargo")
                .args(["build", "--quiet", "--bins", "--examples"])
                .args(packages.iter().flat_map(|package| ["-p", package]))
                .current_dir(root)
                .status()
                .context("can't run cargo")?;
            ensure!(status.success(), "can't build {packages:?}");
        }
        Ok(Self {
            folder: metadata.target_directory.join("debug"),
            workspace: root.canonicalize()?,
        })
    }
}

impl Package {
    /// Whether a command begins with a program of this package that has a name of
    /// its own.
    fn installs_one_of(&self, commands: &[&str]) -> bool {
        let programs = self.targets.iter().filter(|target| {
            target.kind.iter().any(|kind| kind == "bin") && target.name != self.name
        });
        programs.map(|target| &target.name).any(|program| {
            commands
                .iter()
                .any(|command| command.split_whitespace().next() == Some(program))
        })
    }
}

/// Where cargo puts what it builds of the workspace at `root`.
///
/// # Errors
/// When cargo can't tell.
pub fn target(root: &Path) -> Result<PathBuf> {
    Ok(metadata(root)?.target_directory)
}

fn metadata(root: &Path) -> Result<Metadata> {
    let output = Command::new("cargo")
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root)
        .output()
        .context("can't run cargo")?;
    serde_json::from_slice(&output.stdout)
        .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())
}
