//! The table `limited_kinds`.

use std::num::NonZero;

use rusqlite::Connection;

use super::values::text;
use crate::{Error, Tx};

pub(super) fn set(tx: &Tx, kind: &str, max_running: NonZero<u32>) -> Result<bool, Error> {
    let insert = "INSERT INTO limited_kinds VALUES (?1, ?2) ON CONFLICT DO UPDATE
                  SET max_running = ?2 WHERE max_running <> ?2";
    let mut insert = tx.prepare_cached(insert)?;
    Ok(insert.execute((kind, max_running.get()))? == 1)
}

pub(super) fn delete(tx: &Tx, kind: &str) -> Result<bool, Error> {
    let delete = "DELETE FROM limited_kinds WHERE task_kind = ?1";
    Ok(tx.prepare_cached(delete)?.execute([kind])? == 1)
}

pub(super) fn is_limited(sql: &Connection, kind: &str) -> Result<bool, Error> {
    let limited = "SELECT 1 FROM limited_kinds WHERE task_kind = ?1
                   UNION ALL SELECT 1 FROM limited_keys WHERE task_kind = ?1";
    Ok(sql.prepare_cached(limited)?.exists([kind])?)
}

/// Whether a kind has a limit, whatever is counted: tasks, those of a key, or starts.
pub(super) fn is_any(sql: &Connection) -> Result<bool, Error> {
    let limited = "SELECT 1 FROM limited_kinds UNION ALL SELECT 1 FROM limited_keys
                   UNION ALL SELECT 1 FROM rated_kinds";
    Ok(sql.prepare_cached(limited)?.exists([])?)
}

/// Those of these kinds of which one more task may start. The rows of the tasks that run are what is
/// counted: there is nothing that an engine that is killed wouldn't give back.
pub(super) fn with_room(sql: &Connection, kinds: &[String]) -> Result<Vec<String>, Error> {
    let full = "SELECT task_kind FROM limited_kinds WHERE max_running <=
                (SELECT count(*) FROM tasks
                 WHERE status = 'running' AND tasks.task_kind = limited_kinds.task_kind)";
    let mut full = sql.prepare_cached(full)?;
    let full = full.query_map([], |row| Ok(text(row.get_ref(0)?)))?;
    let full = full.collect::<Result<Vec<_>, _>>()?;
    let room = kinds.iter().filter(|kind| !full.contains(kind));
    Ok(room.cloned().collect())
}
