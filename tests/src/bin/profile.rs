//! Where the processor time of a drain goes, of short tasks that are acquired ahead:
//! `profile PROGRAM [TASKS]`, PROGRAM being that of `prefetch` or of a later step. Needs `perf`.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

/// The parts, and in what functions one spends the time of each: the innermost one counts.
const PARTS: [(&str, &[&str]); 5] = [
    (
        "searching the next tasks",
        &["first_startable", "with_room", "is_limited", "tasks::find"],
    ),
    (
        "writing that they run",
        &["mark_running", "executions::start", "note_start"],
    ),
    (
        "writing that they have ended",
        &["mark_ended", "executions::stop"],
    ),
    ("writing the log", &["tracing_subscriber::"]),
    (
        "transactions and their file",
        &["Groups::commit", "in_savepoint", "fsync", "pwrite"],
    ),
];

/// All the others: the workers, the runtime, and what goes from thread to thread.
const REST: &str = "executing and passing on";

/// How many samples a second of each thread that isn't waiting.
const FREQUENCY: &str = "1997";

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let program = arguments.next().context("usage: profile PROGRAM [TASKS]")?;
    let program = fs::canonicalize(program)?;
    let tasks = arguments.next().unwrap_or_else(|| "50000".to_owned());
    // Beside the program, since the usual temporary folder may be in memory.
    let folder = TempDir::new_in(".")?;
    let samples = folder.path().join("samples");
    let run = |command: &mut Command| -> Result<String> {
        let command = command
            .env("TASK_ENGINE_DATABASE", folder.path().join("task_engine.db"))
            .env("TASK_ENGINE_INSTANCE", "profile")
            .stderr(Stdio::null());
        let output = command.output().context("can't run it")?;
        ensure!(output.status.success(), "{command:?} fails");
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let create = ["create", "failing", r#"{"divisor": 1}"#, "--count", &tasks];
    run(Command::new(&program).args(create))?;
    run(Command::new("perf")
        .args(["record", "--event", "cpu-clock", "--freq", FREQUENCY])
        .args(["--call-graph", "dwarf,16384", "--output"])
        .args([&samples, &program])
        .args(["start", "--workers", "5", "--ahead", "50ms"])
        .arg("--until-empty"))
    .context("perf is in the Debian package linux-perf")?;
    let stacks = run(Command::new("perf")
        .args(["script", "--no-inline", "--fields", "comm,ip,sym"])
        .arg("--input")
        .arg(&samples))?;

    let stacks = stacks
        .split("\n\n")
        .filter(|stack| !stack.trim().is_empty());
    let stacks: Vec<_> = stacks.map(part).collect();
    ensure!(!stacks.is_empty(), "perf has seen nothing");
    for name in PARTS.iter().map(|(name, _)| *name).chain([REST]) {
        let here = stacks.iter().filter(|part| **part == name).count();
        let share = (100 * here + stacks.len() / 2) / stacks.len();
        println!("share of a drained task, {name}: {share} %");
    }
    Ok(())
}

/// The part that a stack belongs to: its frames come from the innermost one on.
fn part(stack: &str) -> &'static str {
    let part = stack.lines().find_map(|frame| {
        let of = |(_, functions): &&(_, &[&str])| functions.iter().any(|it| frame.contains(it));
        PARTS.iter().find(of)
    });
    part.map_or(REST, |(name, _)| name)
}
