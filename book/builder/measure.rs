//! `{{#measure NAME COLUMN}}`: a figure of the benchmarks, as it was measured last.

mod machine;
mod output;
mod shares;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};
use xtask::Steps;

use crate::files::{read, write};
use crate::html;
use crate::library::Library;
use machine::Machine;
pub(crate) use shares::table as shares;

/// Where the figures are committed.
const FILE: &str = "book/measures.json";

/// The step that has the benchmarks, and its program.
const SLUG: &str = "full";
const PROGRAM: &str = "task-engine";

/// Figures by the name of what is measured, then by column.
type Measures = BTreeMap<String, BTreeMap<String, String>>;

#[derive(Serialize, Deserialize)]
struct Measured {
    machine: Machine,
    measures: Measures,
}

/// Runs the benchmarks of the repository at `root`, or reads what they have written, and keeps
/// their figures.
///
/// # Errors
/// When the machine is busy, when a benchmark fails, or when it writes no figure.
pub fn measure(root: &Path, output: Option<&Path>) -> Result<()> {
    let output = match output {
        Some(path) => read(path)?,
        None => run(root)?,
    };
    let measures = output::parse(&output)?;
    let machine = Machine::look(root)?;
    let kept = Measured { machine, measures };
    write(
        &root.join(FILE),
        &(serde_json::to_string_pretty(&kept)? + "\n"),
    )?;
    println!("{FILE}");
    Ok(())
}

/// What the benchmarks write: those of the last step, then what its engine costs while it
/// waits, what several of them do together, and where the time of one goes.
fn run(root: &Path) -> Result<String> {
    machine::ensure_quiet()?;
    // Now, rather than after all the others.
    let perf = Command::new("perf").arg("--version").output();
    perf.context("perf is in the Debian package linux-perf")?;
    let steps = Steps::load(root)?;
    let package = &steps.find(SLUG)?.package;
    let bench = cargo(root, &["bench", "--quiet", "-p", package])?;
    cargo(root, &["build", "--quiet", "--release", "-p", package])?;
    let program = target(root)?.join("release").join(PROGRAM);
    let program = program
        .to_str()
        .context("the target folder has an odd name")?;
    let mut output = bench;
    for bin in ["latency", "sharing", "profile"] {
        let run = ["run", "--quiet", "--release", "-p", "tests", "--bin", bin];
        output += &cargo(root, &[&run[..], &["--", program]].concat())?;
    }
    Ok(output)
}

fn cargo(root: &Path, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new("cargo");
    command
        .args(arguments)
        .current_dir(root)
        .stderr(Stdio::inherit());
    let output = command.output().context("can't run cargo")?;
    ensure!(
        output.status.success(),
        "cargo {} fails",
        arguments.join(" ")
    );
    Ok(String::from_utf8(output.stdout)?)
}

fn target(root: &Path) -> Result<PathBuf> {
    let metadata = cargo(root, &["metadata", "--no-deps", "--format-version", "1"])?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
    let folder = metadata["target_directory"].as_str();
    Ok(folder.context("cargo has no target folder")?.into())
}

impl Measured {
    fn figure(&self, name: &str, column: &str) -> Result<&str> {
        let names = || self.measures.keys().cloned().collect::<Vec<_>>().join("; ");
        let row = self.measures.get(name);
        let row =
            row.with_context(|| format!("{FILE} has no measure {name:?}; it has: {}", names()))?;
        let figure = row.get(column).with_context(|| {
            let columns: Vec<_> = row.keys().map(String::as_str).collect();
            format!("{name:?} has no {column:?}; it has: {}", columns.join(", "))
        })?;
        Ok(figure)
    }
}

fn measured(library: &Library) -> Result<Measured> {
    let text = library
        .read(FILE)
        .context("nothing is measured yet: run cargo run -p book -- measure")?;
    serde_json::from_str(&text).context(FILE)
}

/// The figure of a column, without its unit if the name comes after `number`; or where all were
/// measured, if the name is `machine`.
pub(crate) fn figure(library: &Library, words: &[&str]) -> Result<String> {
    let measured = measured(library)?;
    if words == ["machine"] {
        return Ok(html::escape(&measured.machine.to_string()));
    }
    let (column, name) = words.split_last().context("a measure has a name")?;
    match name {
        ["number", name @ ..] => {
            let figure = measured.figure(&name.join(" "), column)?;
            let unit = |it: char| !it.is_ascii_digit() && it != '.';
            output::french(figure.split(unit).next().unwrap_or(figure))
        }
        name => output::french(measured.figure(&name.join(" "), column)?),
    }
}
