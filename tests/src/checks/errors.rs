use anyhow::{Result, bail, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;

use super::listed;
use crate::sandbox::{Load, Sandbox};
use crate::{Finished, Program};

pub fn error_recorded_and_engine_unharmed(sandbox: &Sandbox) -> Result<()> {
    create(sandbox, "failing_not_retry_error")?;
    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("task failed", 1)?;
    sandbox.create_tasks(3, Load::waiting(0.0))?;
    engine.wait_for("task finished", 3)?;
    stop(engine)?;

    let executions = executions(sandbox, 1)?;
    let [Execution { status, error, .. }] = &executions[..] else {
        bail!("{} executions", executions.len());
    };
    ensure!(status == "failure", "the execution is a {status}");
    let error_type = error["type"].as_str().unwrap_or_default();
    ensure!(error_type.ends_with("DivisionByZero"), "type: {error}");
    let message = error["message"].as_str().unwrap_or_default();
    ensure!(message.contains("zero"), "message: {error}");
    Ok(())
}

pub fn panics_recorded_and_other_tasks_go_on(sandbox: &Sandbox) -> Result<()> {
    // More of them than there are workers: none may be lost.
    for _ in 0..7 {
        create(sandbox, "failing")?;
    }
    sandbox.create_tasks(3, Load::waiting(0.0))?;
    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("task finished", 3)?;
    engine.wait_for("task failed", 7)?;
    stop(engine)?;

    for task in 1..=7 {
        let error = executions(sandbox, task)?.remove(0).error;
        ensure!(error["type"] == "panic", "type: {error}");
        let message = error["message"].as_str().unwrap_or_default();
        ensure!(message.contains("divide by zero"), "message: {error}");
    }
    Ok(())
}

pub fn backtrace_recorded_if_asked_for(sandbox: &Sandbox) -> Result<()> {
    for asked_for in ["0", "1"] {
        create(sandbox, "failing_not_retry_error")?;
        let mut command = sandbox.start_engine_command();
        command
            .env("TASK_ENGINE_INSTANCE", "backtrace")
            .env_remove("RUST_LIB_BACKTRACE")
            .env("RUST_BACKTRACE", asked_for);
        let mut engine = Program::start(command)?;
        engine.wait_for("task failed", 1)?;
        stop(engine)?;
    }

    for (task, expected) in [(1, false), (2, true)] {
        let error = executions(sandbox, task)?.remove(0).error;
        let backtrace = error["backtrace"].as_str().unwrap_or_default();
        ensure!(backtrace.is_empty() != expected, "backtrace: {backtrace}");
    }
    Ok(())
}

pub fn first_retry_one_minute_later(sandbox: &Sandbox) -> Result<()> {
    let engine = engine_with_a_failure(sandbox)?;
    stop(engine)?;

    let (status, scheduled_at, retry_number) = task(sandbox)?;
    ensure!(status == "waiting", "the task is {status}");
    ensure!(retry_number == 1, "it is retry number {retry_number}");
    let stopped_at = executions(sandbox, 1)?.remove(0).stopped_at;
    let delay = scheduled_at - stopped_at;
    ensure!(delay == 60_000, "it is retried after {delay} ms");
    Ok(())
}

pub fn retry_runs_when_it_is_due(sandbox: &Sandbox) -> Result<()> {
    let mut engine = engine_with_a_failure(sandbox)?;
    // A minute is long; what made it fail is mended meanwhile.
    sandbox.database()?.execute_batch(
        r#"UPDATE tasks SET scheduled_at = 0, task_parameters = '{"divisor": 8}'"#,
    )?;
    engine.wait_for("task finished", 1)?;
    stop(engine)?;

    let (status, _, retry_number) = task(sandbox)?;
    ensure!(status == "stopped", "the task is {status}");
    ensure!(retry_number == 1, "it was retry number {retry_number}");
    let executions = executions(sandbox, 1)?;
    let statuses: Vec<_> = executions.iter().map(|e| e.status.as_str()).collect();
    ensure!(statuses == ["failure", "success"], "{statuses:?}");
    let result = &executions[1].result;
    ensure!(*result == 125, "the result is {result}");
    Ok(())
}

pub fn failed_after_the_tenth_retry(sandbox: &Sandbox) -> Result<()> {
    let mut engine = engine_with_a_failure(sandbox)?;
    for failures in 2..=11 {
        sandbox
            .database()?
            .execute_batch("UPDATE tasks SET scheduled_at = 0")?;
        engine.wait_for("task failed", failures)?;
    }
    stop(engine)?;

    let (status, _, retry_number) = task(sandbox)?;
    ensure!(status == "failed", "the task is {status}");
    ensure!(retry_number == 10, "it was retry number {retry_number}");
    let count = executions(sandbox, 1)?.len();
    ensure!(count == 11, "it was executed {count} times");
    Ok(())
}

pub fn permanent_errors_not_retried(sandbox: &Sandbox) -> Result<()> {
    create(sandbox, "failing_not_retry")?;
    create(sandbox, "failing_not_retry_error")?;
    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("task failed", 2)?;
    stop(engine)?;

    let failed = sandbox.ids("failed")?;
    ensure!(failed == [1, 2], "failed: {failed:?}");
    let listed = listed(sandbox, &["--status", "failed"])?;
    ensure!(listed == [2, 1], "listed: {listed:?}");
    Ok(())
}

pub fn ill_typed_parameters_fail_their_task_only(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(1, Load::waiting(0.0))?;
    sandbox
        .database()?
        .execute_batch(r#"UPDATE tasks SET task_parameters = '{"waiting_time": "long"}'"#)?;
    sandbox.create_tasks(2, Load::waiting(0.0))?;
    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("task failed", 1)?;
    engine.wait_for("task finished", 2)?;
    stop(engine)?;

    ensure!(sandbox.ids("failed")? == [1], "the task hasn't failed");
    let error = executions(sandbox, 1)?.remove(0).error;
    let message = error["message"].as_str().unwrap_or_default();
    ensure!(message.contains("waiting_time"), "message: {message}");
    Ok(())
}

pub fn sigterm_while_a_retry_waits(sandbox: &Sandbox) -> Result<()> {
    let engine = engine_with_a_failure(sandbox)?;
    let events = stop(engine)?.events();

    let stopped = events.iter().filter(|e| e.message == "worker stopped");
    ensure!(stopped.count() == 5, "not all workers were woken");
    ensure!(sandbox.ids("waiting")? == [1], "the retry is lost");
    Ok(())
}

pub fn show_task_shows_errors(sandbox: &Sandbox) -> Result<()> {
    stop(engine_with_a_failure(sandbox)?)?;
    let text = sandbox.show_task("1")?.success()?.text();
    for word in ["failure", "panic", "divide by zero", "scheduled"] {
        ensure!(text.contains(word), "no word of {word} in:\n{text}");
    }
    Ok(())
}

fn create(sandbox: &Sandbox, kind: &str) -> Result<()> {
    sandbox.create_task(&[kind])?.success()?;
    Ok(())
}

/// An engine that waits for the first retry of its only task.
fn engine_with_a_failure(sandbox: &Sandbox) -> Result<Program> {
    create(sandbox, "failing")?;
    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("task failed", 1)?;
    Ok(engine)
}

fn stop(engine: Program) -> Result<Finished> {
    engine.signal(Signal::SIGTERM)?;
    engine.finish()?.success()
}

/// The status, the time and the retry number of the first task.
fn task(sandbox: &Sandbox) -> Result<(String, i64, i64)> {
    let select = "SELECT status, scheduled_at, context ->> 'retry_number' FROM tasks WHERE id = 1";
    let read = |row: &rusqlite::Row| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    Ok(sandbox.database()?.query_one(select, [], read)?)
}

struct Execution {
    status: String,
    stopped_at: i64,
    result: Value,
    error: Value,
}

/// The executions of this task that have ended, in their order.
fn executions(sandbox: &Sandbox, task: i64) -> Result<Vec<Execution>> {
    let database = sandbox.database()?;
    let mut executions = database.prepare(
        "SELECT status, stopped_at, coalesce(result, 'null'), coalesce(error, 'null')
         FROM task_executions WHERE task_id = ?1 AND stopped_at IS NOT NULL ORDER BY id",
    )?;
    let executions = executions.query_map([task], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    })?;
    let executions = executions
        .map(|row| {
            let (status, stopped_at, result, error): (_, _, String, String) = row?;
            Ok(Execution {
                status,
                stopped_at,
                result: serde_json::from_str(&result)?,
                error: serde_json::from_str(&error)?,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    ensure!(!executions.is_empty(), "task {task} was not executed");
    Ok(executions)
}
