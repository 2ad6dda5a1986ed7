use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use super::common::{executed_exactly, nothing_left, sound, stop, tasks_of};
use crate::program::ignoring;
use crate::sandbox::{Load, Sandbox};
use crate::{Finished, Program};

const STOP_REQUESTED: &str = "stop requested, waiting for the running tasks";

/// A signal that comes so late after the first one isn't the same request.
const LATER: Duration = Duration::from_millis(1_050);

pub fn sigterm_lets_running_tasks_end(sandbox: &Sandbox) -> Result<()> {
    let engine = sandbox.engine_with_tasks(20, Load::waiting(0.5))?;
    running_tasks_end(sandbox, engine, &[Signal::SIGTERM])
}

pub fn sigint_lets_running_tasks_end(sandbox: &Sandbox) -> Result<()> {
    let engine = sandbox.engine_with_tasks(20, Load::waiting(0.5))?;
    running_tasks_end(sandbox, engine, &[Signal::SIGINT])
}

/// The terminal is closed; `nohup` is there for those who want their program to go on.
pub fn sighup_lets_running_tasks_end_unless_ignored(sandbox: &Sandbox) -> Result<()> {
    let command = sandbox.engine_with_tasks_command(7, Load::waiting(0.1))?;
    let mut engine = Program::start(ignoring(Signal::SIGHUP, &command))?;
    engine.wait_for("task is waiting", 5)?;
    engine.signal(Signal::SIGHUP)?;
    let events = sandbox.drain(engine)?.success()?.events();
    executed_exactly(&[events], 1..=7)?;

    let engine = sandbox.engine_with_tasks(20, Load::waiting(0.5))?;
    running_tasks_end(sandbox, engine, &[Signal::SIGHUP])
}

/// A wrapper passes on what its whole group has had already.
pub fn signals_within_a_second_are_one_request(sandbox: &Sandbox) -> Result<()> {
    let engine = sandbox.engine_with_tasks(20, Load::waiting(0.5))?;
    let signals = [Signal::SIGINT, Signal::SIGINT, Signal::SIGTERM];
    running_tasks_end(sandbox, engine, &signals)
}

/// The first signal comes when all workers have a task of half a second, the others as soon as it
/// has been seen: it is up to the program to see that it is one request.
fn running_tasks_end(sandbox: &Sandbox, mut engine: Program, signals: &[Signal]) -> Result<()> {
    engine.wait_for("task is waiting", 5)?;
    for signal in signals {
        engine.signal(*signal)?;
        engine.wait_for(STOP_REQUESTED, 1)?;
    }
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
    let mut engine = sandbox.engine_with_tasks(20, Load::waiting(0.5))?;
    engine.wait_for("engine started", 1)?;
    let events = stop(engine)?.events();

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

/// There is nothing more to stop, and nothing to be cut short. A program that was over before the
/// signal shows nothing: others are tried, until one has seen it.
pub fn signal_after_the_end_does_no_harm(sandbox: &Sandbox) -> Result<()> {
    for _ in 0..20 {
        let mut engine = sandbox.engine_with_tasks(3, Load::waiting(0.0))?;
        engine.wait_for("task finished", 3)?;
        engine.signal(Signal::SIGTERM)?;
        engine.signal_until_the_end(Signal::SIGTERM)?;
        let events = engine.finish()?.success()?.events();
        nothing_left(sandbox)?;
        if events.iter().any(|event| event.message == STOP_REQUESTED) {
            break;
        }
    }
    Ok(())
}

/// The ends of the tasks have to wait, and aren't given up.
pub fn signal_while_another_program_writes(sandbox: &Sandbox) -> Result<()> {
    let mut engine = sandbox.engine_with_tasks(20, Load::waiting(0.1))?;
    engine.wait_for("task is waiting", 5)?;
    let other = sandbox.database()?;
    other.execute_batch("BEGIN IMMEDIATE")?;
    let running = sandbox.ids("running")?;
    engine.signal(Signal::SIGTERM)?;
    engine.wait_for(STOP_REQUESTED, 1)?;
    sleep(Duration::from_millis(200)); // the tasks come to their ends
    other.execute_batch("COMMIT")?;
    let events = engine.finish()?.success()?.events();

    let finished = tasks_of(&events, "task finished");
    ensure!(
        running.iter().all(|task| finished.contains(task)),
        "running: {running:?}, finished: {finished:?}"
    );
    ensure!(sandbox.count("running")? == 0, "tasks are left running");
    Ok(())
}

pub fn later_sigint_stops_at_once(sandbox: &Sandbox) -> Result<()> {
    later_signal_stops_at_once(sandbox, Signal::SIGINT, 130)
}

pub fn later_sigterm_stops_at_once(sandbox: &Sandbox) -> Result<()> {
    later_signal_stops_at_once(sandbox, Signal::SIGTERM, 143)
}

fn later_signal_stops_at_once(sandbox: &Sandbox, signal: Signal, status: i32) -> Result<()> {
    let mut engine = sandbox.engine_with_tasks(20, Load::waiting(3600.0))?;
    engine.wait_for("task is waiting", 5)?;
    engine.signal(signal)?;
    engine.wait_for(STOP_REQUESTED, 1)?;
    sleep(LATER);
    engine.signal(signal)?;
    tasks_left_running(sandbox, &engine.finish()?.exited(status)?)
}

/// So many signals that some must come while the previous ones are being answered.
pub fn signal_storm_stops_at_once(sandbox: &Sandbox) -> Result<()> {
    let mut engine = sandbox.engine_with_tasks(20, Load::waiting(3600.0))?;
    engine.wait_for("task is waiting", 5)?;
    engine.signal_until_the_end(Signal::SIGTERM)?;
    tasks_left_running(sandbox, &engine.finish()?.exited(143)?)?;
    sound(sandbox)
}

fn tasks_left_running(sandbox: &Sandbox, finished: &Finished) -> Result<()> {
    let running = sandbox.ids("running")?;
    ensure!(running.len() == 5, "left running: {running:?}");
    let told = "stopped at once, tasks may be left running";
    let told = finished.events().iter().any(|event| event.message == told);
    ensure!(told, "it doesn't say that tasks may be left running");
    Ok(())
}

/// What isn't closed may be complete only together with its log: a copy of the file would lack
/// tasks.
pub fn ended_program_leaves_one_file(sandbox: &Sandbox) -> Result<()> {
    // A program that doesn't wait is lucky now and then.
    for _ in 0..30 {
        sandbox.create_tasks(200, Load::waiting(0.0))?;
        let log = sandbox.database_path().with_extension("db-wal");
        ensure!(!log.exists(), "the tasks are in the log, not in the file");
    }
    Ok(())
}
