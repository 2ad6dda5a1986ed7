//! The table `task_executions`.

use rusqlite::Connection;

use super::values::{json, option, time};
use crate::{Error, TaskExecution, Tx};

pub(super) fn start(tx: &Tx, task: i64) -> Result<i64, Error> {
    let insert = "INSERT INTO task_executions (task_id, started_at, created_at, updated_at)
                  VALUES (?1, ?2, ?2, ?2)";
    let mut insert = tx.prepare_cached(insert)?;
    Ok(insert.insert((task, tx.now.as_millisecond()))?)
}

pub(super) fn stop(tx: &Tx, id: i64, result: &str) -> Result<(), Error> {
    let update = "UPDATE task_executions SET stopped_at = ?2, result = ?3, updated_at = ?2
                  WHERE id = ?1";
    let mut update = tx.prepare_cached(update)?;
    update.execute((id, tx.now.as_millisecond(), result))?;
    Ok(())
}

pub(super) fn of_task(sql: &Connection, task: i64) -> Result<Vec<TaskExecution>, Error> {
    let executions = "SELECT * FROM task_executions WHERE task_id = ?1 ORDER BY id";
    let mut executions = sql.prepare_cached(executions)?;
    let executions = executions.query_map([task], |row| {
        Ok(TaskExecution {
            id: row.get("id")?,
            started_at: time(row.get("started_at")?),
            stopped_at: row.get::<_, Option<_>>("stopped_at")?.map(time),
            result: option(row.get_ref("result")?).map(json),
        })
    })?;
    Ok(executions.collect::<Result<_, _>>()?)
}
