//! The table `tasks`.

use rusqlite::{Connection, OptionalExtension};

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

pub(super) fn mark_running(tx: &Tx, id: i64, instance: &str) -> Result<(), Error> {
    let update =
        "UPDATE tasks SET status = 'running', instance = ?2, updated_at = ?3 WHERE id = ?1";
    let mut update = tx.prepare_cached(update)?;
    update.execute((id, instance, tx.now.as_millisecond()))?;
    Ok(())
}

pub(super) fn running(sql: &Connection, instance: &str) -> Result<Vec<i64>, Error> {
    let running = "SELECT id FROM tasks WHERE status = 'running' AND instance = ?1 ORDER BY id";
    let mut running = sql.prepare_cached(running)?;
    let ids = running.query_map([instance], |row| row.get(0))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

pub(super) fn delete_running(tx: &Tx, id: i64) -> Result<Ending, Error> {
    let delete = "DELETE FROM tasks WHERE id = ?1 AND status = 'running'";
    let deleted = tx.prepare_cached(delete)?.execute([id])?;
    Ok(Ending::of(deleted == 1))
}
