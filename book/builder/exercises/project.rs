//! A step in a workspace of its own, where a solution is tried.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, Result, bail, ensure};

use super::{Solution, refused};
use crate::files::{read, write};

/// How much of what cargo says is worth telling.
const TOLD: usize = 60;

/// The workspace of a solution; the next one takes its place.
pub struct Project<'a> {
    folder: PathBuf,
    root: &'a Path,
    target: &'a Path,
    solution: &'a Solution<'a>,
}

impl<'a> Project<'a> {
    pub fn new(root: &'a Path, target: &'a Path, solution: &'a Solution) -> Result<Self> {
        let folder = target.join("exercises");
        fs::create_dir_all(&folder)?;
        Ok(Self {
            folder: folder.canonicalize()?,
            root,
            target,
            solution,
        })
    }

    /// Applies the solution, and sees its own test fail without it, then all tests pass with it.
    pub fn check(&self) -> Result<()> {
        let tests = self.solution.patch.own_tests()?;
        self.prepare(&self.solution.patch.text())?;
        self.cargo(&["fmt", "--check"])?;
        let mut arguments = vec!["test", "--quiet", "--test", "suite"];
        arguments.extend(self.examples());
        let said = self.cargo(&arguments)?;
        ensure!(
            !said.contains("warning: "),
            "it compiles with warnings:\n{said}"
        );

        self.prepare(&self.solution.patch.tests())?;
        let mut arguments = vec!["test", "--quiet", "--test", "suite", "--"];
        arguments.extend(tests.iter().map(String::as_str));
        if self.cargo(&arguments).is_ok() {
            bail!("its test passes without it");
        }
        Ok(())
    }

    /// Applies the patch, and tells an error that the compiler finds.
    pub fn refusal(&self) -> Result<String> {
        self.prepare(&self.solution.patch.text())?;
        self.cargo(&["fmt", "--check"])?;
        let mut arguments = vec!["check", "--message-format=json", "--lib", "--bins"];
        arguments.extend(self.examples());
        let output = self.run(&arguments)?;
        ensure!(!output.status.success(), "it compiles");
        let errors = refused::errors(&String::from_utf8_lossy(&output.stdout))?;
        if errors.is_empty() {
            said(&output)?;
        }
        Ok(refused::told(&errors, &self.solution.step.package))
    }

    /// The options of cargo for the examples that the patch changes.
    fn examples(&self) -> impl Iterator<Item = &str> {
        let paths = self.solution.patch.files.iter().map(|file| &file.path);
        paths
            .filter_map(|path| path.strip_prefix("examples/")?.strip_suffix(".rs"))
            .flat_map(|example| ["--example", example])
    }

    /// Whether the patch applies, with no need to compile.
    pub fn applies(solution: &Solution) -> Result<()> {
        let folder = tempfile::tempdir()?;
        let folder = folder.path().canonicalize()?;
        copy(solution, &folder)?;
        apply(solution, &folder, &solution.patch.text())
    }

    /// Writes the step afresh, patched.
    fn prepare(&self, patch: &str) -> Result<()> {
        fs::remove_dir_all(&self.folder)?;
        fs::create_dir_all(&self.folder)?;
        let mut manifest: toml::Table = read(&self.root.join("Cargo.toml"))?.parse()?;
        let workspace = manifest
            .get_mut("workspace")
            .and_then(toml::Value::as_table_mut);
        workspace.context("Cargo.toml has no [workspace]")?.insert(
            "members".to_owned(),
            vec![self.solution.step.package.as_str()].into(),
        );
        write(&self.folder.join("Cargo.toml"), &manifest.to_string())?;
        // The same versions as in the project: what is compiled already serves again.
        let lock = self.root.join("Cargo.lock");
        if lock.exists() {
            write(&self.folder.join("Cargo.lock"), &read(&lock)?)?;
        }
        copy(self.solution, &self.folder)?;
        apply(self.solution, &self.folder, patch)
    }

    /// What a cargo command says, if it succeeds.
    fn cargo(&self, arguments: &[&str]) -> Result<String> {
        let output = self.run(arguments)?;
        said(&output).with_context(|| format!("cargo {}", arguments.join(" ")))
    }

    fn run(&self, arguments: &[&str]) -> Result<Output> {
        Command::new("cargo")
            .args(arguments)
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", self.target)
            .env("INSTA_UPDATE", "no")
            .output()
            .context("can't run cargo")
    }
}

fn copy(solution: &Solution, folder: &Path) -> Result<()> {
    for (path, text) in solution.step.source()? {
        let path = folder.join(&solution.step.package).join(path);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        write(&path, &text)?;
    }
    Ok(())
}

fn apply(solution: &Solution, folder: &Path, patch: &str) -> Result<()> {
    write(&folder.join("solution.patch"), patch)?;
    let output = Command::new("git")
        .args(["apply", "--whitespace=error-all", "../solution.patch"])
        .current_dir(folder.join(&solution.step.package))
        // The folder may lie in a repository, where git would look for the files elsewhere.
        .env("GIT_CEILING_DIRECTORIES", folder)
        .output()
        .context("can't run git")?;
    said(&output).with_context(|| format!("doesn't apply to {}", solution.step.slug))?;
    Ok(())
}

/// What a program has said, as an error if it has failed.
fn said(output: &Output) -> Result<String> {
    let text = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    let text = text.concat();
    if output.status.success() {
        return Ok(text);
    }
    let lines: Vec<&str> = text.lines().collect();
    bail!("{}", lines[lines.len().saturating_sub(TOLD)..].join("\n"))
}
