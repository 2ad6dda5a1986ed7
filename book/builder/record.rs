//! Records the terminal sessions shown in the book: the commands of
//! `book/transcripts/*.console` are run again, and their output written down.

mod programs;
mod session;
mod shell;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyhow::{Context as _, Result, bail, ensure};
use regex::Regex;

pub(crate) use session::{Session, parse};

use crate::files::{files, read, write};
use crate::problem::{Problem, Problems};
use programs::Programs;

static NUMBER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\d+(?:[.,:]\d+)*").expect("the pattern is a constant"));
static BLANKS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r" {2,}").expect("the pattern is a constant"));
static UNIT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b0(?: ?(?:ns|µs|ms|s)\b(?: 0)?)+").expect("the pattern is a constant")
});

/// Runs the named sessions of the repository at `root`, or all of them; then
/// writes what they show or, with `check`, compares it with what is written.
///
/// # Errors
/// When a session doesn't exist or can't be run, and when it no longer shows
/// what is written.
pub fn record(root: &Path, names: &[String], check: bool) -> Result<()> {
    let mut sessions = Vec::new();
    for path in transcripts(root, names)? {
        let shown = path.strip_prefix(root)?.display().to_string();
        let session = parse(&read(&path)?).with_context(|| shown.clone())?;
        sessions.push((path, shown, session));
    }
    let programs = Programs::build(root, sessions.iter().map(|(_, _, session)| session))?;
    let mut problems = Vec::new();
    for (path, shown, session) in sessions {
        let output = shell::run(&session, &programs).with_context(|| shown.clone())?;
        if check {
            let now = parse(&output).with_context(|| shown.clone())?;
            problems.extend(difference(&session, &now).map(|message| Problem::of(shown, message)));
        } else {
            write(&path, &output)?;
            println!("{shown}");
        }
    }
    Problems(problems).into_result()?;
    Ok(())
}

fn transcripts(root: &Path, names: &[String]) -> Result<Vec<PathBuf>> {
    let folder = root.join("book/transcripts");
    if !names.is_empty() {
        let paths = names
            .iter()
            .map(|name| folder.join(format!("{name}.console")));
        let paths: Vec<PathBuf> = paths.collect();
        if let Some(missing) = paths.iter().find(|path| !path.is_file()) {
            bail!("there is no {}", missing.display());
        }
        return Ok(paths);
    }
    let mut paths = files(&folder)?;
    paths.retain(|path| path.extension().is_some_and(|end| end == "console"));
    ensure!(!paths.is_empty(), "book/transcripts has no .console file");
    Ok(paths)
}

/// What differs between two runs, beyond numbers, times and order: how several
/// workers interleave is nobody's promise.
fn difference(written: &Session, now: &Session) -> Option<String> {
    let (before, after) = (lines(written), lines(now));
    let gone: Vec<_> = before
        .difference(&after)
        .map(|line| format!("\n- {line}"))
        .collect();
    let new: Vec<_> = after
        .difference(&before)
        .map(|line| format!("\n+ {line}"))
        .collect();
    let changed = !gone.is_empty() || !new.is_empty();
    changed.then(|| {
        format!(
            "the session no longer shows what is written:{}{}\nrecord it again, and read it again",
            gone.concat(),
            new.concat()
        )
    })
}

fn lines(session: &Session) -> BTreeSet<String> {
    let outputs = session.outputs.iter().flatten();
    outputs.map(|line| normalise(line)).collect()
}

/// `line` with every number, time and duration replaced by `0`.
fn normalise(line: &str) -> String {
    let line = NUMBER.replace_all(line, "0");
    let line = UNIT.replace_all(&line, "0");
    BLANKS.replace_all(&line, " ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_times_and_durations_are_all_alike() {
        let same = |one, other| assert_eq!(normalise(one), normalise(other));
        same("task 9 took 1.5s", "task  17 took 998ms");
        same("task 9 took 1s 17ms", "task 9 took 0s");
        same(
            "2026-11-24T10:00:00.123Z  INFO",
            "2027-01-02T03:04:05.9Z INFO",
        );
        assert_ne!(normalise("task 9 started"), normalise("task 9 stopped"));
    }
}
