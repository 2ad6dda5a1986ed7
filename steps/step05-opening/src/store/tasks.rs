//! The table `tasks`.

use rusqlite::OptionalExtension;

use crate::{Ending, Error, Tx};

pub(super) fn insert(tx: &Tx) -> Result<i64, Error> {
    let insert = "INSERT INTO tasks (created_at, updated_at) VALUES (?1, ?1)";
    let mut insert = tx.prepare_cached(insert)?;
    Ok(insert.insert([tx.now.as_millisecond()])?)
}

pub(super) fn oldest_waiting(tx: &Tx) -> Result<Option<i64>, Error> {
    let oldest = "SELECT id FROM tasks WHERE status = 'waiting' ORDER BY id LIMIT 1";
    let mut oldest = tx.prepare_cached(oldest)?;
    Ok(oldest.query_one([], |row| row.get(0)).optional()?)
}

pub(super) fn mark_running(tx: &Tx, id: i64) -> Result<(), Error> {
    let update = "UPDATE tasks SET status = 'running', updated_at = ?2 WHERE id = ?1";
    let mut update = tx.prepare_cached(update)?;
    update.execute((id, tx.now.as_millisecond()))?;
    Ok(())
}

pub(super) fn delete_running(tx: &Tx, id: i64) -> Result<Ending, Error> {
    let delete = "DELETE FROM tasks WHERE id = ?1 AND status = 'running'";
    let deleted = tx.prepare_cached(delete)?.execute([id])?;
    Ok(Ending::of(deleted == 1))
}
