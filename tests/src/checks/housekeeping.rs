use anyhow::{Result, ensure};
use rusqlite::Connection;

use super::common::{nothing_left, says, soon, stop};
use super::retention::ended;
use crate::sandbox::{Load, Sandbox};

/// A thousand starts are remembered, and those that have left tasks.
pub fn old_starts_are_forgotten(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_database()?;
    let database = sandbox.database()?;
    database.execute_batch(
        "INSERT INTO engines (name, host, pid, version, status, started_at, heartbeat_at, lease)
         WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1200)
         SELECT 'old', 'nas', 1, '1.0', 'stopped', 0, 0, 1 FROM n;
         INSERT INTO tasks (task_kind, task_parameters, status, engine_id, created_at, updated_at)
         VALUES ('unknown', '{}', 'running', 7, 0, 0)",
    )?;
    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("engine started", 1)?;
    stop(engine)?;
    let engines = "SELECT count(*), min(id), max(id) FROM engines WHERE id <> 7";
    let (count, first, last): (i64, i64, i64) =
        database.query_one(engines, [], |row| row.try_into())?;
    ensure!(
        (count, first, last) == (1000, 203, 1202),
        "{count} starts are remembered, from {first} to {last}"
    );
    let task = "SELECT count(*) FROM engines JOIN tasks ON engine_id = engines.id";
    let left: i64 = database.query_one(task, [], |row| row.get(0))?;
    ensure!(left == 1, "the one that has left a task is forgotten");
    Ok(())
}

/// Somebody reads what was there, and seventy megabytes are written.
fn long_log(sandbox: &Sandbox) -> Result<Connection> {
    let reader = sandbox.database()?;
    reader.execute_batch("BEGIN; SELECT count(*) FROM tasks")?;
    sandbox.database()?.execute_batch(
        "CREATE TABLE big (value);
         INSERT INTO big VALUES (zeroblob(70000000))",
    )?;
    Ok(reader)
}

/// The tasks are executed nevertheless.
pub fn long_log_is_told(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(3, Load::waiting(0.0))?;
    let reader = long_log(sandbox)?;
    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("task finished", 3)?;
    if !sandbox.is_before("housekeeping") {
        engine.wait_for("the write-ahead log grows as long as somebody reads", 1)?;
    }
    drop(reader);
    let log = stop(engine)?;
    nothing_left(sandbox)?;
    says(
        &log,
        &["the write-ahead log grows as long as somebody reads"],
    )
}

pub fn nothing_is_deleted_into_a_long_log(sandbox: &Sandbox) -> Result<()> {
    ended(sandbox, "stopped", 3)?;
    let reader = long_log(sandbox)?;
    let prune = ["prune", "--older-than", "30m"];
    let refused = sandbox.run(&prune)?.exited(1)?;
    says(&refused, &["error: the write-ahead log takes 7"])?;
    ensure!(sandbox.count("stopped")? == 3, "some are deleted");
    drop(reader);
    sandbox.run(&prune)?.success()?;
    soon("they are deleted", || Ok(sandbox.count("stopped")? == 0))
}
