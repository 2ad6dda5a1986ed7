use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;
use xtask::{Step, Steps};

use crate::{CHECKS, Check, Sandbox};

/// How many checks run at once: most of them wait, for tasks that wait.
const THREADS: usize = 16;

/// What a check has seen on one step.
#[derive(Debug)]
pub struct Observation<'a> {
    /// The check.
    pub check: &'static Check,
    /// The step.
    pub step: &'a Step,
    /// Whether the step keeps the promise; if not, why the check says so.
    pub outcome: Result<()>,
    /// Whether the step is supposed to keep it.
    pub expected: bool,
    /// How long it took to see.
    pub elapsed: Duration,
}

impl Observation<'_> {
    /// Says what is wrong, if the outcome isn't the expected one.
    pub fn surprise(&self) -> Option<String> {
        let name = self.check.name;
        let step = &self.step.package;
        match &self.outcome {
            Err(reason) if self.expected => Some(format!("{name} fails on {step}: {reason:#}")),
            Ok(()) if !self.expected => Some(format!(
                "{name} passes on {step}, where it must fail: it doesn't show that {} is needed",
                self.check.since
            )),
            _ => None,
        }
    }
}

/// Runs every check on every step where it holds, and on the step before.
pub fn observe_all(
    steps: &Steps,
    program: impl Fn(&Step) -> PathBuf + Sync,
) -> Vec<Observation<'_>> {
    let mut jobs = Vec::new();
    for check in CHECKS {
        for step in steps.iter() {
            let kept = check.holds_at(steps, step);
            if kept || check.comes_right_after(steps, step) {
                jobs.push((check, step, kept));
            }
        }
    }
    let next = AtomicUsize::new(0);
    let observations = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    // The last ones first: they take the longest.
                    let done = next.fetch_add(1, Ordering::Relaxed);
                    let Some(index) = jobs.len().checked_sub(done + 1) else {
                        break;
                    };
                    let (check, step, expected) = jobs[index];
                    let started = Instant::now();
                    let outcome = observe(check, &program(step), steps, step);
                    let observation = Observation {
                        check,
                        step,
                        outcome,
                        expected,
                        elapsed: started.elapsed(),
                    };
                    if let Ok(mut observations) = observations.lock() {
                        observations.push((index, observation));
                    }
                }
            });
        }
    });
    let mut observations = observations.into_inner().unwrap_or_default();
    observations.sort_by_key(|(index, _)| *index);
    observations.into_iter().map(|(_, seen)| seen).collect()
}

/// Runs one check on a program that claims to be at this step.
///
/// # Errors
/// If the program doesn't keep the promise, with what was seen.
pub fn observe(check: &Check, program: &Path, steps: &Steps, step: &Step) -> Result<()> {
    (check.run)(&Sandbox::new(program, steps, step)?)
}

/// The observations as the table that the book shows.
///
/// # Errors
/// None in practice: the table is made of strings.
pub fn to_json(observations: &[Observation]) -> Result<String> {
    #[derive(Serialize)]
    struct Row<'a> {
        name: &'a str,
        since: &'a str,
        until: Option<&'a str>,
        results: BTreeMap<&'a str, &'a str>,
    }
    let mut rows: Vec<Row> = Vec::new();
    for seen in observations {
        if rows.last().is_none_or(|row| row.name != seen.check.name) {
            rows.push(Row {
                name: seen.check.name,
                since: seen.check.since,
                until: seen.check.until,
                results: BTreeMap::new(),
            });
        }
        if let Some(row) = rows.last_mut() {
            let result = if seen.outcome.is_ok() { "pass" } else { "fail" };
            row.results.insert(&seen.step.slug, result);
        }
    }
    Ok(serde_json::to_string_pretty(&rows)? + "\n")
}
