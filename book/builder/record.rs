//! Records the terminal sessions shown in the book: the commands of
//! `book/transcripts/*.console` are run again, and their output written down;
//! beside it, for the sessions that chapters draw, what was done when.

mod events;
mod notes;
mod programs;
mod session;
mod shell;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex};
use std::thread;

use anyhow::{Context as _, Result, bail, ensure};
use regex::Regex;

pub use programs::target;
pub(crate) use session::{Session, parse};

use crate::directive;
use crate::files::{files, read, write};
use crate::problem::{Problem, Problems};
use crate::timeline::{self, Timeline};
use programs::Programs;

static NUMBER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\d+(?:[.,:]\d+)*").expect("the pattern is a constant"));
static BLANKS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r" {2,}").expect("the pattern is a constant"));
static BAR: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[█▒·]+").expect("the pattern is a constant"));
static UNIT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b0(?: ?(?:ns|µs|ms|s)\b(?: 0)?)+").expect("the pattern is a constant")
});

/// What a session has shown, and what was done when.
type Run = (String, Timeline);

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
    let drawn = directive::first_words(root, "timeline")?;
    let mut problems = Vec::new();
    let runs = side_by_side(&sessions, |(_, _, session)| shell::run(session, &programs));
    for ((path, shown, session), run) in sessions.into_iter().zip(runs) {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let events = drawn.contains(&*name).then(|| timeline::path(&name));
        if check {
            let compare = |run: Result<Run>| {
                let found = run
                    .and_then(|run| differences(root, &shown, &session, events.as_deref(), &run));
                found.unwrap_or_else(|error| vec![Problem::of(&shown, format!("{error:#}"))])
            };
            let mut found = compare(run);
            // Others that ran beside it may have made it late: what it shows alone counts.
            for _ in 0..2 {
                if !found.is_empty() {
                    println!("{}\n{shown}: once more", Problems(found));
                    found = compare(shell::run(&session, &programs));
                }
            }
            problems.extend(found);
        } else {
            let (output, timeline) = run.with_context(|| shown.clone())?;
            write(&path, &output)?;
            println!("{shown}");
            if let Some(file) = events {
                write(&root.join(&file), &timeline.text()?)?;
                println!("{file}");
            }
        }
    }
    Problems(problems).into_result()?;
    Ok(())
}

/// What a run of a session shows and draws otherwise than what is written.
fn differences(
    root: &Path,
    shown: &str,
    session: &Session,
    events: Option<&str>,
    (output, timeline): &Run,
) -> Result<Vec<Problem>> {
    let now = parse(output).with_context(|| shown.to_owned())?;
    let mut problems = Vec::new();
    let text = difference(&lines(session), &lines(&now));
    problems.extend(text.map(|text| Problem::of(shown, text)));
    if let Some(file) = events {
        let written = read(&root.join(file)).unwrap_or_default();
        let written = Timeline::parse(&written).with_context(|| file.to_owned())?;
        let text = difference(&written.shape(), &timeline.shape());
        problems.extend(text.map(|text| Problem::of(file, text)));
    }
    Ok(problems)
}

/// What this makes of each of these, in their order. Sessions sleep most of the time.
fn side_by_side<T: Sync, R: Send>(all: &[T], run: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let index = next.fetch_add(1, Ordering::Relaxed)
                    && let Some(one) = all.get(index)
                {
                    let result = run(one);
                    done.lock().expect("no run panics").insert(index, result);
                }
            });
        }
    });
    let done = done.into_inner().expect("no run panics");
    done.into_values().collect()
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
fn difference(before: &BTreeSet<String>, after: &BTreeSet<String>) -> Option<String> {
    let gone: Vec<_> = before
        .difference(after)
        .map(|line| format!("\n- {line}"))
        .collect();
    let new: Vec<_> = after
        .difference(before)
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

/// `line` with every number, time and duration replaced by `0`, also where it
/// is drawn: a bar is as long as what it shows lasted.
fn normalise(line: &str) -> String {
    let line = BAR.replace_all(line, "0");
    let line = NUMBER.replace_all(&line, "0");
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
        same("21  stopped  ····██", "21  stopped  ·····█");
        assert_ne!(normalise("task 9 started"), normalise("task 9 stopped"));
    }
}
