//! The table `task_executions`.

use rusqlite::types::FromSqlError;
use rusqlite::{Result, Transaction};

use super::json;
use crate::clock::timestamp;
use crate::{ExecutionStatus, Outcome, TaskError, TaskExecution};

pub(super) fn start(tx: &Transaction, task_id: i64, now: i64) -> Result<()> {
    tx.prepare_cached(
        "INSERT INTO task_executions (task_id, started_at, created_at, updated_at)
         VALUES (?1, ?2, ?2, ?2)",
    )?
    .execute((task_id, now))?;
    Ok(())
}

/// The last one of the task: earlier ones may have been cut short, and stay as they are.
pub(super) fn stop(tx: &Transaction, task_id: i64, outcome: &Outcome, now: i64) -> Result<()> {
    let status = match outcome {
        Ok(_) => ExecutionStatus::Success,
        Err(_) => ExecutionStatus::Failure,
    };
    let (result, error) = (outcome.as_ref().ok(), outcome.as_ref().err());
    tx.prepare_cached(
        "UPDATE task_executions
         SET stopped_at = ?2, status = ?3, result = ?4, error = ?5, updated_at = ?2
         WHERE id = (SELECT max(id) FROM task_executions WHERE task_id = ?1)",
    )?
    .execute((
        task_id,
        now,
        status.as_str(),
        result,
        error.map(TaskError::to_json),
    ))?;
    Ok(())
}

pub(super) fn of_task(tx: &Transaction, task_id: i64) -> Result<Vec<TaskExecution>> {
    tx.prepare_cached(
        "SELECT id, task_id, started_at, stopped_at, result, status, error FROM task_executions
         WHERE task_id = ?1 ORDER BY id",
    )?
    .query_map([task_id], |row| {
        Ok(TaskExecution {
            id: row.get(0)?,
            task_id: row.get(1)?,
            started_at: timestamp(row.get(2)?),
            stopped_at: row.get::<_, Option<_>>(3)?.map(timestamp),
            result: row.get::<_, Option<_>>(4)?.map(json),
            status: row
                .get_ref(5)?
                .as_str()?
                .parse()
                .map_err(FromSqlError::other)?,
            error: row.get::<_, Option<_>>(6)?.map(json),
        })
    })?
    .collect()
}
