//! `cargo xtask diff`: the difference with the previous step, in colours.

use std::process::ExitCode;

use anstream::{eprintln, print};
use anstyle::{AnsiColor, Style};

use crate::{Change, Error, Steps, Tag};

const HEADER: Style = Style::new().bold();
const HUNK: Style = AnsiColor::Cyan.on_default();
const ADDED: Style = AnsiColor::Green.on_default();
const DELETED: Style = AnsiColor::Red.on_default();

/// Prints what a step changes, in one file or in all.
pub(crate) fn run(steps: &Steps, slug: &str, file: Option<&str>) -> Result<ExitCode, Error> {
    let changes = steps.changes(slug)?;
    if let Some(file) = file
        && !changes.iter().any(|change| change.path == file)
    {
        eprintln!("`{slug}` doesn't change `{file}`; it changes:");
        for change in &changes {
            eprintln!("  {}", change.path);
        }
        return Ok(ExitCode::FAILURE);
    }
    for change in &changes {
        if file.is_none_or(|file| change.path == file) {
            print(change);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn print(change: &Change) {
    print!("{HEADER}{}{HEADER:#}", change.header());
    for hunk in change.hunks() {
        print!("{HUNK}{}{HUNK:#}\n", hunk.header());
        for line in &hunk.lines {
            match line.tag {
                Tag::Kept => print!("{line}"),
                Tag::Added => print!("{ADDED}{line}{ADDED:#}"),
                Tag::Deleted => print!("{DELETED}{line}{DELETED:#}"),
            }
        }
    }
}
