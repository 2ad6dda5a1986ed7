//! The table `task_executions`.

use rusqlite::Connection;

use super::values::{json, option, text, time};
use crate::{Error, Outcome, TaskError, TaskExecution, Tx};

pub(super) fn start(tx: &Tx, task: i64) -> Result<i64, Error> {
    let insert = "INSERT INTO task_executions (task_id, started_at, created_at, updated_at)
                  VALUES (?1, ?2, ?2, ?2)";
    let mut insert = tx.prepare_cached(insert)?;
    Ok(insert.insert((task, tx.now.as_millisecond()))?)
}

pub(super) fn stop(tx: &Tx, id: i64, outcome: &Outcome) -> Result<(), Error> {
    let update = "UPDATE task_executions
                  SET stopped_at = ?2, status = ?3, result = ?4, error = ?5, updated_at = ?2
                  WHERE id = ?1";
    let mut update = tx.prepare_cached(update)?;
    let now = tx.now.as_millisecond();
    let (status, result, error) = match outcome {
        Ok(result) => ("success", Some(result.to_string()), None),
        Err(error) => ("failure", None, Some(error.report().to_string())),
    };
    update.execute((id, now, status, result, error))?;
    Ok(())
}

/// Those that nobody has stopped, because their engine was killed.
pub(super) fn stop_stranded(tx: &Tx, task: i64, error: &TaskError) -> Result<(), Error> {
    let open = "SELECT id FROM task_executions WHERE task_id = ?1 AND stopped_at IS NULL";
    let mut open = tx.prepare_cached(open)?;
    let ids = open.query_map([task], |row| row.get(0))?;
    for id in ids.collect::<rusqlite::Result<Vec<_>>>()? {
        stop(tx, id, &Err(error.clone()))?;
    }
    Ok(())
}

pub(super) fn of_task(sql: &Connection, task: i64) -> Result<Vec<TaskExecution>, Error> {
    let executions = "SELECT * FROM task_executions WHERE task_id = ?1 ORDER BY id";
    let mut executions = sql.prepare_cached(executions)?;
    let executions = executions.query_map([task], |row| {
        Ok(TaskExecution {
            id: row.get("id")?,
            status: text(row.get_ref("status")?),
            started_at: time(row.get("started_at")?),
            stopped_at: row.get::<_, Option<_>>("stopped_at")?.map(time),
            result: option(row.get_ref("result")?).map(json),
            error: option(row.get_ref("error")?).map(json),
        })
    })?;
    Ok(executions.collect::<Result<_, _>>()?)
}
