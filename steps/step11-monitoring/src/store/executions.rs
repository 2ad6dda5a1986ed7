//! The table `task_executions`.

use crate::{Error, Tx};

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
