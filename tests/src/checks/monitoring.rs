use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::Signal;

use super::common::{lost, nothing_left, says, tasks_of};
use crate::Program;
use crate::sandbox::{Load, Sandbox};

pub fn executed_tasks_are_kept(sandbox: &Sandbox) -> Result<()> {
    let engine = sandbox.engine_with_tasks(3, Load::waiting(0.0))?;
    sandbox.drain(engine)?.success()?;

    let stopped = sandbox.ids("stopped")?;
    ensure!(stopped == [1, 2, 3], "stopped: {stopped:?}");
    Ok(())
}

pub fn executions_match_what_ran(sandbox: &Sandbox) -> Result<()> {
    let engine = sandbox.engine_with_tasks(7, Load::waiting(0.3))?;
    let events = sandbox.drain(engine)?.success()?.events();

    let executions = executions(sandbox)?;
    let mut ran = tasks_of(&events, "task finished");
    ran.sort_unstable();
    let recorded: Vec<_> = executions.iter().map(|execution| execution.task).collect();
    ensure!(recorded == ran, "recorded: {recorded:?}, ran: {ran:?}");
    for Execution {
        task,
        created_at,
        started_at,
        stopped_at,
        ..
    } in executions
    {
        let stopped_at = stopped_at.with_context(|| format!("task {task} has no end"))?;
        ensure!(created_at <= started_at, "task {task} ran before it was");
        // The clock that gives the time of the day isn't the one that tasks wait by.
        let tolerance = 10;
        ensure!(
            stopped_at - started_at >= 300 - tolerance,
            "task {task}, which waits 300 ms, ran from {started_at} to {stopped_at}"
        );
    }
    Ok(())
}

pub fn one_execution_a_task_by_four_processes(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(400, Load::waiting(0.0))?;
    let engines: Vec<Program> = (0..4)
        .map(|_| sandbox.start_engine(Load::waiting(0.0)))
        .collect::<Result<_>>()?;
    for engine in engines {
        sandbox.drain(engine)?.success()?;
    }

    let executions = executions(sandbox)?;
    let tasks: Vec<_> = executions.iter().map(|execution| execution.task).collect();
    ensure!(
        tasks.iter().copied().eq(1..=400),
        "tasks executed: {tasks:?}"
    );
    ensure!(
        executions.iter().all(|e| e.stopped_at.is_some()),
        "executions have no end"
    );
    Ok(())
}

pub fn killed_engine_leaves_executions_open(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(20, Load::waiting(3600.0))?;
    let mut engine = sandbox.start_engine(Load::waiting(3600.0))?;
    engine.wait_for("task is waiting", 5)?;
    engine.signal(Signal::SIGKILL)?;
    let in_hand: BTreeSet<_> = tasks_of(&engine.finish()?.events(), "task is waiting")
        .into_iter()
        .collect();

    let executions = executions(sandbox)?;
    let begun: BTreeSet<_> = executions.iter().map(|execution| execution.task).collect();
    ensure!(begun == in_hand, "begun: {begun:?}, in hand: {in_hand:?}");
    ensure!(
        executions
            .iter()
            .all(|e| e.stopped_at.is_none() && e.result.is_none()),
        "an execution that was cut short has an end"
    );
    Ok(())
}

pub fn results_are_recorded(sandbox: &Sandbox) -> Result<()> {
    let engine = sandbox.engine_with_tasks(1, Load::waiting(0.25))?;
    sandbox.drain(engine)?.success()?;

    let result = executions(sandbox)?.remove(0).result;
    let result = result.context("there is no result")?;
    let result: serde_json::Value = serde_json::from_str(&result)?;
    ensure!(result["waited"] == 0.25, "the result is {result}");
    Ok(())
}

/// Somebody has put a task back that an engine still executes, and another engine has taken it:
/// the first one has no say any more.
pub fn execution_that_was_overtaken_changes_nothing(sandbox: &Sandbox) -> Result<()> {
    let load = Load {
        workers: Some(1),
        ..Load::waiting(0.5)
    };
    let mut first = sandbox.engine_with_tasks(1, load)?;
    first.wait_for("task is waiting", 1)?;
    stop_later(&first)?;
    sandbox.database()?.execute_batch(
        r#"UPDATE tasks SET status = 'waiting', task_parameters = '{"waiting_time": 2}'"#,
    )?;
    let mut other = sandbox.start_engine(load)?;
    other.wait_for("task is waiting", 1)?;

    let events = first.finish()?.success()?.events();
    let lost = lost(&events);
    ensure!(lost == [1], "lost, as the first one says: {lost:?}");
    let running = sandbox.ids("running")?;
    ensure!(
        running == [1],
        "running after the end of the first one: {running:?}"
    );
    let events = sandbox.drain(other)?.success()?.events();
    let finished = tasks_of(&events, "task finished");
    ensure!(finished == [1], "finished by the second one: {finished:?}");

    let [overtaken, second] = &executions(sandbox)?[..] else {
        bail!("there aren't two executions");
    };
    ensure!(
        overtaken.result.is_none(),
        "the first one has left its result"
    );
    ensure!(second.stopped_at.is_some(), "the second one has no end");
    Ok(())
}

/// It has no more to do than what it is doing.
fn stop_later(engine: &Program) -> Result<()> {
    engine.signal(Signal::SIGTERM)
}

/// A constraint, a limit, a rule of the application: the result isn't kept, that is all.
pub fn refused_result_harms_nobody(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(3, Load::waiting(0.0))?;
    sandbox.database()?.execute_batch(
        "CREATE TRIGGER censor BEFORE UPDATE ON task_executions
         WHEN new.task_id = 1 AND new.result <> 'null' BEGIN
             SELECT RAISE(ABORT, 'not this result');
         END;",
    )?;
    let engine = sandbox.start_engine(Load::waiting(0.0))?;
    let finished = sandbox.drain(engine)?.success()?;

    says(&finished, &["not this result"])?;
    nothing_left(sandbox)?;
    let stopped = sandbox.ids("stopped")?;
    ensure!(stopped.ends_with(&[2, 3]), "stopped: {stopped:?}");
    let ends = executions(sandbox)?;
    let ends = ends
        .iter()
        .filter(|execution| execution.stopped_at.is_some());
    ensure!(ends.count() == 3, "not all executions have an end");
    Ok(())
}

/// Somebody tidies up, and takes too much.
pub fn deleted_execution_harms_nobody(sandbox: &Sandbox) -> Result<()> {
    let one_worker = Load {
        workers: Some(1),
        ..Load::waiting(0.3)
    };
    let mut engine = sandbox.engine_with_tasks(2, one_worker)?;
    engine.wait_for("task is waiting", 1)?;
    sandbox
        .database()?
        .execute_batch("DELETE FROM task_executions")?;
    let events = sandbox.drain(engine)?.success()?.events();
    let finished = tasks_of(&events, "task finished");
    ensure!(finished == [2], "finished: {finished:?}");
    let lost = lost(&events);
    ensure!(lost == [1], "lost, as it says: {lost:?}");
    Ok(())
}

struct Execution {
    task: i64,
    created_at: i64,
    started_at: i64,
    stopped_at: Option<i64>,
    result: Option<String>,
}

/// What the database says, in the order of the tasks.
fn executions(sandbox: &Sandbox) -> Result<Vec<Execution>> {
    let database = sandbox.database()?;
    let mut executions = database.prepare(
        "SELECT tasks.id, tasks.created_at, started_at, stopped_at, result
         FROM task_executions JOIN tasks ON tasks.id = task_id ORDER BY task_id, task_executions.id",
    )?;
    let executions = executions.query_map([], |row| {
        Ok(Execution {
            task: row.get(0)?,
            created_at: row.get(1)?,
            started_at: row.get(2)?,
            stopped_at: row.get(3)?,
            result: row.get(4)?,
        })
    })?;
    Ok(executions.collect::<rusqlite::Result<_>>()?)
}
