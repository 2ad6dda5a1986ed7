use anyhow::{Context, Result};
use nix::sys::signal::Signal;

use super::common::soon;
use crate::Program;
use crate::sandbox::{Load, Sandbox};

const LEASE: &str = "900ms";

pub fn living_engine_says_so(sandbox: &Sandbox) -> Result<()> {
    let mut engine = start(sandbox)?;
    beats(sandbox)?;
    // As long as a task runs, whatever the engine was asked for.
    engine.signal(Signal::SIGTERM)?;
    engine.wait_for("stop requested, waiting for the running tasks", 1)?;
    beats(sandbox)
}

pub fn killed_engine_is_seen_dead(sandbox: &Sandbox) -> Result<()> {
    let engine = start(sandbox)?;
    until_it_is(sandbox, "alive")?;
    engine.signal(Signal::SIGKILL)?;
    engine.finish()?;
    until_it_is(sandbox, "dead")
}

/// It can't even be told to stop.
pub fn suspended_engine_is_seen_dead(sandbox: &Sandbox) -> Result<()> {
    let engine = start(sandbox)?;
    until_it_is(sandbox, "alive")?;
    engine.signal(Signal::SIGSTOP)?;
    until_it_is(sandbox, "dead")
}

fn start(sandbox: &Sandbox) -> Result<Program> {
    sandbox.create_tasks(1, Load::waiting(3600.0))?;
    let mut engine =
        Program::start(sandbox.leased_engine_command("first", Load::waiting(3600.0), LEASE))?;
    engine.wait_for("task is waiting", 1)?;
    Ok(engine)
}

/// Waits for three heartbeats more.
fn beats(sandbox: &Sandbox) -> Result<()> {
    let database = sandbox.database()?;
    let last = || -> Result<i64> {
        let last = "SELECT heartbeat_at FROM engines WHERE name = 'first'";
        Ok(database.query_one(last, [], |row| row.get(0))?)
    };
    for _ in 0..3 {
        let before = last()?;
        soon("a heartbeat", || Ok(last()? > before))?;
    }
    Ok(())
}

fn until_it_is(sandbox: &Sandbox, status: &str) -> Result<()> {
    soon(status, || {
        let listed = sandbox.run(&["engines"])?.success()?.text();
        let line = listed.lines().find(|line| line.contains("  first  "));
        let line = line.with_context(|| format!("it isn't in: {listed}"))?;
        Ok(line.contains(&format!("  {status} ")))
    })
}
