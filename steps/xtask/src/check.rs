//! `cargo xtask check`: the acceptance checks on a reader's program.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

use crate::{Steps, manifest};

/// One line of what `cargo build --message-format=json` says.
#[derive(Deserialize)]
struct Message {
    executable: Option<PathBuf>,
    target: Option<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

/// Builds the project in `directory` and checks that its program is the step `slug`.
pub(crate) fn run(steps: &Steps, slug: &str, directory: &Path) -> Result<ExitCode> {
    steps.find(slug)?;
    ensure!(
        directory.join(manifest::FILE).is_file(),
        "{}: no Cargo.toml here; make a project with `cargo xtask start {slug} DIR`",
        directory.display()
    );
    let build = Command::new(cargo())
        .args(["build", "--message-format=json-render-diagnostics"])
        .current_dir(directory)
        .stderr(Stdio::inherit())
        .output()
        .context("can't run cargo")?;
    if !build.status.success() {
        return Ok(code(build.status));
    }
    let program = program(directory, &String::from_utf8_lossy(&build.stdout))?;
    let checks = Command::new(cargo())
        .args([
            "run",
            "--quiet",
            "--package",
            "tests",
            "--bin",
            "acceptance",
            "--",
            slug,
        ])
        .arg(program)
        .current_dir(steps.root())
        .status()
        .context("can't run cargo")?;
    Ok(code(checks))
}

/// The program among the messages of the build.
fn program(directory: &Path, messages: &str) -> Result<PathBuf> {
    let programs: Vec<(String, PathBuf)> = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok())
        .filter_map(|message| Some((message.target?, message.executable?)))
        .filter(|(target, _)| target.kind.iter().any(|kind| kind == "bin"))
        .map(|(target, executable)| (target.name, executable))
        .collect();
    let directory = directory.display();
    match programs.as_slice() {
        [(_, program)] => Ok(program.clone()),
        [] => bail!("{directory}: the project has no program: write src/main.rs"),
        several => {
            let names: Vec<&str> = several.iter().map(|(name, _)| name.as_str()).collect();
            let names = names.join(", ");
            bail!("{directory}: the project has several programs ({names}): keep only one")
        }
    }
}

/// The cargo that runs this program, if one does.
fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn code(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}
