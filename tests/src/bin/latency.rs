//! From the creation of a task by one process to its start by another, which was idle, and what
//! the engine costs while it waits: `latency PROGRAM [TASKS]`, PROGRAM being that of `notifications`
//! or of a later step.

use std::fs;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result};
use jiff::Timestamp;
use rusqlite::Connection;
use tempfile::TempDir;
use tests::Program;

const IDLE: Duration = Duration::from_secs(10);

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let program = arguments.next().context("usage: latency PROGRAM [TASKS]")?;
    let program = fs::canonicalize(program)?;
    let tasks: usize = arguments.next().map_or(Ok(200), |tasks| tasks.parse())?;
    // Beside the program, since the usual temporary folder may be in memory.
    let folder = TempDir::new_in(".")?;
    let database = folder.path().join("task_engine.db");
    let command = || {
        let mut command = Command::new(&program);
        command
            .env("TASK_ENGINE_DATABASE", &database)
            .env("TASK_ENGINE_INSTANCE", "latency");
        command
    };

    let mut start = command();
    start.arg("start");
    let mut engine = Program::start(start)?;
    engine.wait_for("engine started", 1)?;
    sleep(Duration::from_secs(1));
    let before = cpu_time(engine.id())?;
    sleep(IDLE);
    let idle = cpu_time(engine.id())?.saturating_sub(before);
    let percent = 100.0 * idle.as_secs_f64() / IDLE.as_secs_f64();
    println!("idle engine: {percent:.2} % of a core");

    let connection = Connection::open(&database)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    let mut latencies = Vec::new();
    for created in 1..=tasks {
        connection.execute(
            "INSERT INTO tasks (task_kind, task_parameters, created_at, updated_at)
             VALUES ('waiting', '{\"waiting_time\": 0}', 0, 0)",
            [],
        )?;
        let committed = Timestamp::now();
        engine.wait_for("task started", created)?;
        let events = engine.events();
        let started = events.iter().rfind(|e| e.message == "task started");
        let latency = started.context("a start")?.time.duration_since(committed);
        latencies.push(latency.as_secs_f64() * 1000.0);
        // Long enough to fall asleep, and at no particular point of the engine's rhythm.
        let uneven = Duration::from_micros(1_700) * u32::try_from(created % 7)?;
        sleep(Duration::from_millis(20) + uneven);
    }
    latencies.sort_by(f64::total_cmp);
    let (p50, p99) = (latencies[tasks / 2], latencies[tasks * 99 / 100]);
    println!(
        "{tasks} tasks created by another process, from commit to start: \
         p50 {p50:.1} ms, p99 {p99:.1} ms"
    );
    Ok(())
}

/// Of all the threads of this process.
#[cfg(target_os = "linux")]
fn cpu_time(pid: u32) -> Result<Duration> {
    use nix::time::clock_getcpuclockid;
    use nix::unistd::Pid;

    let clock = clock_getcpuclockid(Pid::from_raw(i32::try_from(pid)?))?;
    Ok(clock.now()?.into())
}

#[cfg(not(target_os = "linux"))]
fn cpu_time(_pid: u32) -> Result<Duration> {
    anyhow::bail!("the processor time of another process is only measured on Linux")
}
