//! `cargo xtask diff`: the difference with the previous step, in colours.

use std::process::ExitCode;

use anstream::{eprintln, println};
use anstyle::{AnsiColor, Style};

use crate::{Error, Steps};

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
            print(&change.to_string());
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn print(patch: &str) {
    let mut in_hunk = false;
    for line in patch.lines() {
        in_hunk |= line.starts_with("@@");
        let style = match line.as_bytes() {
            _ if !in_hunk => HEADER,
            [b'@', ..] => HUNK,
            [b'+', ..] => ADDED,
            [b'-', ..] => DELETED,
            _ => Style::new(),
        };
        println!("{style}{line}{style:#}");
    }
}
