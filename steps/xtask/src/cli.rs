//! The command line of `cargo xtask`.

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{ArgGroup, Parser, Subcommand};

use crate::{Steps, check, diff, diffs, insert, list, propagate, start};

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "Keeps the steps in step"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the steps: part, size of the difference with the previous step, budget
    List,
    /// Show what a step changes in the previous one
    Diff {
        /// The step
        slug: String,
        /// Only this file, relative to the step's folder
        file: Option<String>,
    },
    /// Write the patches of the steps, book/diffs/SLUG.diff
    Diffs {
        /// Write nothing, fail if the patches aren't what the steps give
        #[arg(long)]
        check: bool,
    },
    /// Carry the edits made in a step to all the following ones
    #[command(group(ArgGroup::new("what").required(true)))]
    Propagate {
        /// The edited step
        #[arg(group = "what")]
        slug: Option<String>,
        /// The commit that the edits are counted from
        #[arg(long, value_name = "REV", default_value = "HEAD")]
        base: String,
        /// Go on, the conflicts being mended
        #[arg(long = "continue", group = "what")]
        resume: bool,
        /// Give the later steps back as they were
        #[arg(long, group = "what")]
        abort: bool,
    },
    /// Insert a new step, a copy of the one before it; the following ones are renumbered
    Insert {
        /// The new step's slug
        new: String,
        /// The step that will follow it
        #[arg(long, value_name = "SLUG")]
        before: String,
    },
    /// Start typing a step: make a project of the previous step, with this step's tests and examples
    Start {
        /// The step to type
        slug: String,
        /// The folder of the project, new or empty
        directory: PathBuf,
    },
    /// Build a reader's project, and run the acceptance checks of a step on its program
    Check {
        /// The step that the program should be
        slug: String,
        /// The folder of the project
        directory: PathBuf,
    },
}

/// Runs the command given on the command line.
#[must_use]
pub fn run() -> ExitCode {
    execute(Cli::parse().command).unwrap_or_else(|error| {
        anstream::eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn execute(command: Command) -> Result<ExitCode> {
    let root = root()?;
    match command {
        Command::List => list::run(&Steps::load(&root)?),
        Command::Diff { slug, file } => diff::run(&Steps::load(&root)?, &slug, file.as_deref()),
        Command::Diffs { check: false } => diffs::write(&Steps::load(&root)?),
        Command::Diffs { check: true } => diffs::check(&Steps::load(&root)?),
        Command::Propagate { abort: true, .. } => propagate::abort(&root),
        Command::Propagate {
            slug: Some(slug),
            base,
            ..
        } => propagate::start(&root, &slug, &base),
        Command::Propagate { slug: None, .. } => propagate::resume(&root),
        Command::Insert { new, before } => insert::run(&Steps::load(&root)?, &new, &before),
        Command::Start { slug, directory } => start::run(&Steps::load(&root)?, &slug, &directory),
        Command::Check { slug, directory } => {
            return check::run(&Steps::load(&root)?, &slug, &directory);
        }
    }?;
    Ok(ExitCode::SUCCESS)
}

/// The nearest folder, from the current one up, that holds the steps.
fn root() -> Result<PathBuf> {
    let here = env::current_dir().context("can't find the current folder")?;
    here.ancestors()
        .find(|folder| folder.join("steps").is_dir() && folder.join("Cargo.toml").is_file())
        .map(PathBuf::from)
        .with_context(|| {
            format!(
                "{} isn't inside the project: no folder above it holds `steps/` and `Cargo.toml`; run this from the project",
                here.display()
            )
        })
}
