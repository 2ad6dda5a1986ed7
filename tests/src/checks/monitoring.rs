use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use super::common::tasks_of;
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
         FROM task_executions JOIN tasks ON tasks.id = task_id ORDER BY task_id",
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
