use anyhow::{Result, bail, ensure};

use super::common::{Execution, executions, readable_on_a_terminal, says, stop, tasks_of};
use super::listing::listed;
use super::parameters::UNREADABLE;
use crate::Program;
use crate::sandbox::{Load, Sandbox};

pub const ONE_WORKER: Load = Load {
    workers: Some(1),
    waiting_time: 0.0,
};

pub fn panics_recorded_and_other_tasks_go_on(sandbox: &Sandbox) -> Result<()> {
    // More of them than there are workers: none may be lost.
    sandbox.create(&["failing", "--count", "7"])?.success()?;
    sandbox.create_tasks(3, Load::waiting(0.0))?;
    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("task finished", 3)?;
    engine.wait_for("task failed", 7)?;
    stop(engine)?;

    for task in 1..=7 {
        let [Execution { status, error, .. }] = &executions(sandbox, task)?[..] else {
            bail!("task {task} hasn't one execution");
        };
        ensure!(status == "failure", "the execution is a {status}");
        ensure!(error["type"] == "panic", "type: {error}");
        let message = error["message"].as_str().unwrap_or_default();
        ensure!(message.contains("divide by zero"), "message: {error}");
    }
    Ok(())
}

pub fn failed_task_is_marked(sandbox: &Sandbox) -> Result<()> {
    sandbox.create(&["failing"])?.success()?;
    sandbox
        .create(&["failing", r#"{"divisor": 8}"#])?
        .success()?;
    let engine = sandbox.start_engine(Load::waiting(0.0))?;
    sandbox.drain(engine)?.success()?;

    let failed = listed(sandbox, &["--status", "failed"])?;
    ensure!(failed == [1], "failed: {failed:?}");
    let result = executions(sandbox, 2)?.remove(0).result;
    ensure!(result == 125, "the result is {result}");
    Ok(())
}

/// What could only be left as it was, where there was no word for a failure.
pub fn unreadable_tasks_fail(sandbox: &Sandbox) -> Result<()> {
    let unreadable = i64::try_from(UNREADABLE.len())?;
    sandbox.create_tasks(u32::try_from(unreadable + 2)?, Load::waiting(0.0))?;
    for (parameters, id) in UNREADABLE.iter().zip(1..) {
        let update = format!("UPDATE tasks SET task_parameters = {parameters} WHERE id = {id}");
        sandbox.database()?.execute_batch(&update)?;
    }
    // The last one comes after all those before it.
    let mut engine = sandbox.start_engine(ONE_WORKER)?;
    engine.wait_for("task finished", 2)?;
    let failed = tasks_of(&stop(engine)?.events(), "task failed");
    ensure!(
        failed.iter().copied().eq(1..=unreadable),
        "failed: {failed:?}"
    );

    for task in 1..=unreadable {
        let error = executions(sandbox, task)?.remove(0).error;
        let message = error["message"].as_str().unwrap_or_default();
        ensure!(message.contains("waiting"), "of task {task}: {error}");
    }
    Ok(())
}

pub fn backtrace_recorded_if_asked_for(sandbox: &Sandbox) -> Result<()> {
    for asked_for in ["0", "1"] {
        sandbox.create_tasks(1, Load::waiting(0.0))?;
        sandbox
            .database()?
            .execute_batch("UPDATE tasks SET task_parameters = '{}' WHERE status = 'waiting'")?;
        sandbox.create_tasks(1, Load::waiting(0.0))?;
        let mut command = sandbox.engine_command(ONE_WORKER);
        command
            .env_remove("RUST_LIB_BACKTRACE")
            .env("RUST_BACKTRACE", asked_for);
        let mut engine = Program::start(command)?;
        engine.wait_for("task finished", 1)?;
        stop(engine)?;
    }

    for (task, expected) in [(1, false), (3, true)] {
        let error = executions(sandbox, task)?.remove(0).error;
        let backtrace = error["backtrace"].as_array();
        let asked_for = backtrace.is_some_and(|lines| !lines.is_empty());
        ensure!(asked_for == expected, "backtrace: {backtrace:?}");
    }
    Ok(())
}

/// A result that isn't kept isn't a success: the task says so, and the others go on.
pub fn refused_result_is_a_failure(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(3, Load::waiting(0.0))?;
    sandbox.database()?.execute_batch(
        "CREATE TRIGGER censor BEFORE UPDATE ON task_executions
         WHEN new.task_id = 1 AND new.result NOT NULL BEGIN
             SELECT RAISE(ABORT, 'not this result');
         END;",
    )?;
    let engine = sandbox.start_engine(Load::waiting(0.0))?;
    let events = sandbox.drain(engine)?.success()?.events();

    let failed = sandbox.ids("failed")?;
    ensure!(failed == [1], "failed: {failed:?}");
    let told = tasks_of(&events, "task failed");
    ensure!(told == [1], "failed, as it says: {told:?}");
    let error = executions(sandbox, 1)?.remove(0).error;
    let message = error["message"].as_str().unwrap_or_default();
    ensure!(message.contains("not this result"), "the error is {error}");
    Ok(())
}

pub fn show_shows_errors(sandbox: &Sandbox) -> Result<()> {
    sandbox.create(&["failing"])?.success()?;
    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("task failed", 1)?;
    stop(engine)?;
    let shown = sandbox.show("1")?.success()?;
    says(&shown, &["panic", "divide by zero"])
}

/// Whatever an error says, and whatever another program has put in its place.
pub fn show_shows_odd_errors(sandbox: &Sandbox) -> Result<()> {
    let errors = [
        r#"'{"type": "x" , "message": "\u001b[2J\u009b31mred", "causes": ["\u0007\r"],
            "backtrace": ["0: here\n1: \u001b[31mthere", 7]}'"#,
        "'\"red\"'",
        r#"'["red"]'"#,
        r#"'{"causes": 3, "message": {"red": 1}, "backtrace": false}'"#,
        "CAST('{\"message\": \"red' || x'E9' || '\"}' AS TEXT)",
    ];
    sandbox.create(&["failing"])?.success()?;
    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("task failed", 1)?;
    stop(engine)?;
    for error in errors {
        let update = format!("UPDATE task_executions SET error = {error}");
        sandbox.database()?.execute_batch(&update)?;
        readable_on_a_terminal(&sandbox.show("1")?.success()?)?;
        readable_on_a_terminal(&sandbox.list(&[])?.success()?)?;
    }
    Ok(())
}
