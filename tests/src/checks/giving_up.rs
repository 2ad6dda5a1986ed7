use anyhow::{Result, ensure};

use super::common::{executions, stop};
use super::listing::listed;
use crate::sandbox::{Load, Sandbox};

/// Of the kind, or of the error; and those that can't be read won't be read the next time.
pub fn permanent_errors_not_retried(sandbox: &Sandbox) -> Result<()> {
    sandbox.create(&["failing_not_retry"])?.success()?;
    sandbox.create(&["failing_not_retry_error"])?.success()?;
    sandbox.create_tasks(1, Load::waiting(0.0))?;
    sandbox
        .database()?
        .execute_batch("UPDATE tasks SET task_parameters = '{}' WHERE id = 3")?;
    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("task failed", 3)?;
    stop(engine)?;

    let failed = sandbox.ids("failed")?;
    ensure!(failed == [1, 2, 3], "failed: {failed:?}");
    let listed = listed(sandbox, &["--status", "failed"])?;
    ensure!(listed == [3, 2, 1], "listed: {listed:?}");
    Ok(())
}

/// The error is the task's own: it tells its type, and what it says.
pub fn error_of_a_task_recorded(sandbox: &Sandbox) -> Result<()> {
    sandbox.create(&["failing_not_retry_error"])?.success()?;
    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("task failed", 1)?;
    sandbox.create_tasks(3, Load::waiting(0.0))?;
    engine.wait_for("task finished", 3)?;
    stop(engine)?;

    let error = executions(sandbox, 1)?.remove(0).error;
    let known = error["type"].as_str().is_some_and(|kind| kind != "panic");
    ensure!(known, "type: {error}");
    let message = error["message"].as_str().unwrap_or_default();
    ensure!(message.contains("zero"), "message: {error}");
    Ok(())
}

/// By a trigger of the application; those behind it go on.
pub fn refused_start_is_a_failure(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(3, Load::waiting(0.0))?;
    sandbox.database()?.execute_batch(
        "CREATE TRIGGER refuse BEFORE UPDATE ON tasks WHEN old.id = 1 AND new.status = 'running'
         BEGIN SELECT RAISE(ABORT, 'not this one'); END",
    )?;
    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("task can't be started", 1)?;
    let failed = sandbox.ids("failed")?;
    ensure!(failed == [1], "failed: {failed:?}");
    engine.wait_for("task finished", 2)?;
    let told = stop(engine)?;
    ensure!(
        told.text().contains("not this one"),
        "the reason isn't told"
    );
    Ok(())
}
