//! A small project of three steps, in a temporary folder, with a git repository of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

const ROOT: &str = r#"[workspace]
members = ["steps/*"]

[workspace.package]
edition = "2024"
license = "MIT"

[workspace.dependencies]
serde = { version = "1", features = ["derive"] }
thiserror = "2"

[workspace.lints.rust]
unsafe_code = "forbid"

[profile.dev]
debug = "line-tables-only"
"#;

/// Twelve lines, so that edits at both ends are far apart.
pub const COUNT: &str = "\
//! Counts.

/// Counts to ten.
pub fn count() -> u32 {
    let mut sum = 0;
    for number in 0..10 {
        sum += number;
    }
    log(sum);
    finish(sum);
    sum
}
";

/// The project.
pub struct Project {
    folder: TempDir,
}

/// What a command gave.
#[derive(Debug)]
pub struct Run {
    pub success: bool,
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Project {
    /// Three committed steps, `one`, `two` and `three`, and their patches: `two` adds a file and a
    /// line at the end of `src/count.rs`, `three` adds one more.
    pub fn new() -> Self {
        let project = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        project.write("Cargo.toml", ROOT);
        project.write("book/diffs/.gitkeep", "");
        for (number, slug) in [(1, "one"), (2, "two"), (3, "three")] {
            let package = format!("step{number:02}-{slug}");
            let library = package.replace('-', "_");
            let step = format!("steps/{package}");
            project.write(&format!("{step}/Cargo.toml"), &manifest(&package, slug));
            project.write(&format!("{step}/src/lib.rs"), &format!("//! {library}\n"));
            let more: String = ["pub mod two;\n", "pub mod three;\n"][..number - 1].concat();
            project.write(&format!("{step}/src/count.rs"), &format!("{COUNT}{more}"));
            project.write(
                &format!("{step}/tests/count.rs"),
                &format!("use {library}::count;\n"),
            );
            project.write(
                &format!("{step}/tests/snapshots/count__ten.snap"),
                &format!("---\nsource: steps/{package}/tests/count.rs\n---\n45\n"),
            );
        }
        project.write("steps/step02-two/src/two.rs", "//! Two.\n");
        project.write("steps/step03-three/src/two.rs", "//! Two.\n");
        project.git(&["init", "--quiet", "--initial-branch=main"]);
        assert!(project.xtask("diffs").success);
        project.commit("the steps");
        project
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub fn delete(&self, path: &str) {
        fs::remove_file(self.path(path)).unwrap();
    }

    /// Replaces a text that occurs in a file.
    pub fn edit(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert!(text.contains(from), "{path} has no {from:?}:\n{text}");
        self.write(path, &text.replace(from, to));
    }

    pub fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        let output = self
            .command("git")
            .args(["-c", "user.name=Test", "-c", "user.email=test@example.org"])
            .args(["-c", "commit.gpgsign=false"])
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "git {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs `cargo xtask` with these arguments, separated by spaces.
    pub fn xtask(&self, arguments: &str) -> Run {
        let output = self
            .command(env!("CARGO_BIN_EXE_xtask"))
            .args(arguments.split_whitespace())
            .output()
            .unwrap();
        Run::new(&output)
    }

    /// Every file outside of git's folder, to compare the whole before and after.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        collect(self.root())
    }

    /// The paths under a folder that differ from the last commit.
    pub fn edited(&self, folder: &str) -> Vec<String> {
        let status = self.git(&[
            "status",
            "--porcelain",
            "--untracked-files=all",
            "--",
            folder,
        ]);
        status.lines().map(|line| line[3..].to_owned()).collect()
    }

    /// A command that the settings of the machine and of an outer git don't change.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.root());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("GIT_") {
                command.env_remove(name);
            }
        }
        command
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env_remove("CARGO_TARGET_DIR");
        command
    }
}

impl Run {
    fn new(output: &Output) -> Self {
        Self {
            success: output.status.success(),
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout.clone()).unwrap(),
            stderr: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    /// Checks that the command failed, and that its message holds all of these.
    #[track_caller]
    pub fn fails_with(&self, parts: &[&str]) {
        assert!(!self.success, "{self:?}");
        for part in parts {
            assert!(
                self.stderr.contains(part),
                "no {part:?} in:\n{}",
                self.stderr
            );
        }
    }

    /// Checks that the command succeeded.
    #[track_caller]
    pub fn succeeds(&self) -> &Self {
        assert!(self.success, "{self:?}");
        self
    }
}

fn manifest(package: &str, slug: &str) -> String {
    format!(
        r#"[package]
name = "{package}"
version = "0.1.0"
description = "Adds {slug}."
edition.workspace = true
license.workspace = true

[package.metadata.step]
part = 2
title = "Étape {slug}"

[dependencies]
thiserror.workspace = true

[dev-dependencies]
serde = {{ workspace = true, features = ["rc"] }}

[lints]
workspace = true
"#
    )
}

/// Every file under a folder, without git's.
pub fn collect(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    visit(folder, folder, &mut files);
    files
}

fn visit(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with(".git") {
            continue;
        }
        if path.is_dir() {
            visit(root, &path, files);
        } else {
            let relative = path.strip_prefix(root).unwrap().to_str().unwrap();
            files.insert(relative.to_owned(), fs::read(&path).unwrap());
        }
    }
}
