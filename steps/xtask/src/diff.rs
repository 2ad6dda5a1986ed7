//! `cargo xtask diff`: the difference with the previous step, in colours.

use anstream::println;
use anstyle::{AnsiColor, Style};
use anyhow::{Result, bail};

use crate::Steps;

const HEADER: Style = Style::new().bold();
const HUNK: Style = AnsiColor::Cyan.on_default();
const ADDED: Style = AnsiColor::Green.on_default();
const DELETED: Style = AnsiColor::Red.on_default();

/// Prints what a step changes, in one file or in all.
pub(crate) fn run(steps: &Steps, slug: &str, file: Option<&str>) -> Result<()> {
    let mut changes = steps.changes(slug)?;
    if let Some(file) = file {
        let all: Vec<String> = changes.iter().map(|change| change.path.clone()).collect();
        changes.retain(|change| change.path == file);
        if changes.is_empty() {
            bail!(
                "`{slug}` doesn't change `{file}`; it changes:\n  {}",
                all.join("\n  ")
            );
        }
    }
    for change in &changes {
        print(&change.to_string());
    }
    Ok(())
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
