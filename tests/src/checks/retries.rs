use anyhow::{Result, ensure};

use super::common::{executions, outcomes, says, stop};
use super::listing::listed;
use crate::Program;
use crate::sandbox::{Load, Sandbox};

pub fn first_retry_one_minute_later(sandbox: &Sandbox) -> Result<()> {
    let engine = engine_with_a_failure(sandbox)?;
    stop(engine)?;

    let (status, scheduled_at, retry_number) = task(sandbox)?;
    ensure!(status == "waiting", "the task is {status}");
    ensure!(retry_number == 1, "it is retry number {retry_number}");
    let stopped_at = executions(sandbox, 1)?.remove(0).stopped_at;
    // The clock may be read once for the end, and once for what comes next.
    let delay = scheduled_at - stopped_at;
    ensure!(
        (59_000..=61_000).contains(&delay),
        "it is retried after {delay} ms"
    );
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
    let outcomes = outcomes(sandbox, 1)?;
    ensure!(outcomes == ["failure", "success"], "{outcomes:?}");
    let result = &executions(sandbox, 1)?[1].result;
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

pub fn sigterm_while_a_retry_waits(sandbox: &Sandbox) -> Result<()> {
    let engine = engine_with_a_failure(sandbox)?;
    let events = stop(engine)?.events();

    let stopped = events.iter().filter(|e| e.message == "worker stopped");
    ensure!(stopped.count() == 5, "not all workers were woken");
    ensure!(sandbox.ids("waiting")? == [1], "the retry is lost");
    Ok(())
}

pub fn list_tells_what_waits_for_a_retry(sandbox: &Sandbox) -> Result<()> {
    stop(engine_with_a_failure(sandbox)?)?;
    sandbox.create_tasks(1, Load::waiting(0.0))?;
    let retrying = listed(sandbox, &["--retrying"])?;
    ensure!(retrying == [1], "listed: {retrying:?}");
    says(
        &sandbox.show("1")?.success()?,
        &["retries", "divide by zero"],
    )
}

/// What the engine notes for itself, as another program may have written it: it counts from there,
/// or from none.
pub fn odd_contexts_harm_nobody(sandbox: &Sandbox) -> Result<()> {
    let contexts = [
        r#"'{"retry_number": "3"}'"#,
        r#"'{"retry_number": -1}'"#,
        r#"'{"retry_number": 1.5}'"#,
        r#"'{"retry_number": null}'"#,
        r#"'{"retry_number": [1]}'"#,
        r#"'{"retry_number": 0, "mine": 1e400}'"#,
        r#"CAST('{"mine": "caf' || x'E9' || '"}' AS TEXT)"#,
    ];
    let count = contexts.len();
    let arguments = ["failing", "--count", &count.to_string()];
    sandbox.create(&arguments)?.success()?;
    // Far beyond any number of retries.
    create(sandbox, "failing")?;
    let beyond = r#"'{"retry_number": 99999999999}'"#;
    for (context, id) in contexts.iter().chain([&beyond]).zip(1..) {
        let update = format!("UPDATE tasks SET context = {context} WHERE id = {id}");
        sandbox.database()?.execute_batch(&update)?;
    }
    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("task failed", count + 1)?;
    sandbox
        .database()?
        .execute_batch("UPDATE tasks SET scheduled_at = 0 WHERE status = 'waiting'")?;
    engine.wait_for("task failed", 2 * count + 1)?;
    stop(engine)?;

    let failed = sandbox.ids("failed")?;
    ensure!(failed == [8], "those that have failed for good: {failed:?}");
    let numbers = "SELECT id, context ->> 'retry_number' FROM tasks WHERE id < 8";
    let database = sandbox.database()?;
    let mut numbers = database.prepare(numbers)?;
    let mut rows = numbers.query([])?;
    while let Some(row) = rows.next()? {
        let (id, number): (i64, i64) = row.try_into()?;
        ensure!(number == 2, "task {id} is at its retry number {number}");
    }
    let listed = listed(sandbox, &["--limit", "8"])?;
    ensure!(listed.len() == 8, "listed: {listed:?}");
    Ok(())
}

fn create(sandbox: &Sandbox, kind: &str) -> Result<()> {
    sandbox.create(&[kind])?.success()?;
    Ok(())
}

/// An engine that waits for the first retry of its only task.
fn engine_with_a_failure(sandbox: &Sandbox) -> Result<Program> {
    create(sandbox, "failing")?;
    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("task failed", 1)?;
    ensure!(sandbox.ids("waiting")? == [1], "it waits for no retry");
    Ok(engine)
}

/// The status, the time and the retry number of the first task.
fn task(sandbox: &Sandbox) -> Result<(String, i64, i64)> {
    let select = "SELECT status, scheduled_at, context ->> 'retry_number' FROM tasks WHERE id = 1";
    let read = |row: &rusqlite::Row| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    Ok(sandbox.database()?.query_one(select, [], read)?)
}
