use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use super::tasks_of;
use crate::Finished;
use crate::sandbox::{Load, Sandbox};

pub fn sigterm_lets_running_tasks_end(sandbox: &Sandbox) -> Result<()> {
    running_tasks_end(sandbox, Signal::SIGTERM)
}

pub fn sigint_lets_running_tasks_end(sandbox: &Sandbox) -> Result<()> {
    running_tasks_end(sandbox, Signal::SIGINT)
}

fn running_tasks_end(sandbox: &Sandbox, signal: Signal) -> Result<()> {
    let mut engine = sandbox.engine_with_tasks(20, Load::waiting(1.0))?;
    engine.wait_for("task is waiting", 5)?;
    engine.signal(signal)?;
    let events = engine.finish()?.success()?.events();

    let started: BTreeSet<_> = tasks_of(&events, "task started").into_iter().collect();
    let finished: BTreeSet<_> = tasks_of(&events, "task finished").into_iter().collect();
    ensure!(started.len() == 5, "started: {started:?}");
    ensure!(finished == started, "finished: {finished:?} of {started:?}");
    let waiting = sandbox.count("waiting")?;
    ensure!(waiting == 15, "{waiting} tasks are waiting, not 15");
    ensure!(sandbox.count("running")? == 0, "tasks are left running");
    let stopped = events.iter().filter(|e| e.message == "worker stopped");
    ensure!(stopped.count() == 5, "not all workers were joined");
    Ok(())
}

pub fn signal_during_start_up_leaves_no_task_running(sandbox: &Sandbox) -> Result<()> {
    let mut engine = sandbox.engine_with_tasks(20, Load::waiting(1.0))?;
    engine.wait_for("engine started", 1)?;
    engine.signal(Signal::SIGTERM)?;
    let events = engine.finish()?.success()?.events();

    let started = tasks_of(&events, "task started").len();
    let finished = tasks_of(&events, "task finished").len();
    ensure!(finished == started, "{finished} tasks of {started} ended");
    let left = sandbox.count("waiting")?;
    ensure!(
        left > 0 && left + i64::try_from(finished)? == 20,
        "{finished} tasks were executed and {left} are waiting, of 20"
    );
    Ok(())
}

pub fn second_sigint_stops_at_once(sandbox: &Sandbox) -> Result<()> {
    second_signal_stops_at_once(sandbox, Signal::SIGINT, 130)
}

pub fn second_sigterm_stops_at_once(sandbox: &Sandbox) -> Result<()> {
    second_signal_stops_at_once(sandbox, Signal::SIGTERM, 143)
}

fn second_signal_stops_at_once(sandbox: &Sandbox, signal: Signal, status: i32) -> Result<()> {
    let mut engine = sandbox.engine_with_tasks(20, Load::waiting(3600.0))?;
    engine.wait_for("task is waiting", 5)?;
    engine.signal(signal)?;
    engine.wait_for("stop requested, waiting for the running tasks", 1)?;
    engine.signal(signal)?;
    left_running_are_named(sandbox, &engine.finish()?.exited(status)?)
}

/// So many signals that some must come while the previous ones are being answered.
pub fn signal_storm_stops_at_once(sandbox: &Sandbox) -> Result<()> {
    let mut engine = sandbox.engine_with_tasks(20, Load::waiting(3600.0))?;
    engine.wait_for("task is waiting", 5)?;
    engine.signal_until_the_end(Signal::SIGTERM)?;
    left_running_are_named(sandbox, &engine.finish()?.exited(143)?)?;

    let check = "PRAGMA integrity_check";
    let verdict: String = sandbox.database()?.query_one(check, [], |row| row.get(0))?;
    ensure!(verdict == "ok", "the database is damaged: {verdict}");
    Ok(())
}

fn left_running_are_named(sandbox: &Sandbox, finished: &Finished) -> Result<()> {
    let running = sandbox.ids("running")?;
    ensure!(running.len() == 5, "left running: {running:?}");
    let events = finished.events();
    let named = events.iter().find_map(|event| event.fields.get("tasks"));
    let expected = running.iter().map(i64::to_string).collect::<Vec<_>>();
    ensure!(
        named.is_some_and(|named| named.contains(&expected.join(", "))),
        "left running: {running:?}, but the program says {named:?}"
    );
    Ok(())
}
