use std::thread::sleep;

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use super::common::{outcomes, soon, stop, tasks_of};
use super::recovery::{LONGER, start};
use crate::sandbox::{Load, Sandbox};

/// What it was doing was taken from it: it lets go of it, and works on.
pub fn suspended_engine_begins_again_under_another_number(sandbox: &Sandbox) -> Result<()> {
    let load = Load {
        workers: Some(1),
        ..Load::waiting(3600.0)
    };
    sandbox.create_tasks(1, load)?;
    let mut first = start(sandbox, "suspended", load, 1)?;
    first.signal(Signal::SIGSTOP)?;
    sandbox
        .database()?
        .execute_batch(r#"UPDATE tasks SET task_parameters = '{"waiting_time": 0}'"#)?;
    let second = start(sandbox, "other", load, 0)?;
    soon("its task executed elsewhere", || {
        Ok(sandbox.ids("stopped")? == [1])
    })?;
    stop(second)?;
    first.signal(Signal::SIGCONT)?;

    let pid = first.id();
    soon("another number", || Ok(numbers(sandbox, pid)?.len() == 2))?;
    let statuses = numbers(sandbox, pid)?;
    ensure!(statuses == ["dead", "alive"], "its numbers: {statuses:?}");
    sandbox.create_tasks(1, Load::waiting(0.0))?;
    first.wait_for("task finished", 1)?;
    let finished = tasks_of(&stop(first)?.events(), "task finished");
    ensure!(finished == [2], "it says that it has finished {finished:?}");
    let outcomes = outcomes(sandbox, 1)?;
    ensure!(outcomes == ["failure", "success"], "{outcomes:?}");
    Ok(())
}

/// Nobody can take the tasks over, and nobody can know that: each engine stops its own, and executes
/// them again when the database is back. That is no crash.
pub fn engine_that_cannot_write_stops_its_tasks(sandbox: &Sandbox) -> Result<()> {
    let load = Load {
        workers: Some(2),
        ..Load::waiting(3600.0)
    };
    sandbox.create_tasks(2, load)?;
    let mut engine = start(sandbox, "first", load, 2)?;
    sandbox
        .database()?
        .execute_batch(r#"UPDATE tasks SET task_parameters = '{"waiting_time": 0}'"#)?;
    let database = sandbox.database()?;
    database.execute_batch("BEGIN IMMEDIATE")?;
    sleep(LONGER);
    database.execute_batch("COMMIT")?;
    soon("its tasks executed again", || {
        Ok(sandbox.ids("stopped")? == [1, 2])
    })?;
    ensure!(!engine.has_ended()?, "it has ended");
    let statuses = numbers(sandbox, engine.id())?;
    ensure!(statuses == ["dead", "alive"], "its numbers: {statuses:?}");
    stop(engine)?;
    let crashed = "SELECT count(*) FROM tasks WHERE context ->> 'crash_number' NOT NULL";
    let crashed: i64 = database.query_one(crashed, [], |row| row.get(0))?;
    ensure!(crashed == 0, "{crashed} crashes are counted");
    Ok(())
}

/// What the numbers of this process have become.
fn numbers(sandbox: &Sandbox, pid: u32) -> Result<Vec<String>> {
    let database = sandbox.database()?;
    let mut engines = database.prepare("SELECT status FROM engines WHERE pid = ?1 ORDER BY id")?;
    let engines = engines.query_map([pid], |row| row.get(0))?;
    Ok(engines.collect::<rusqlite::Result<_>>()?)
}
