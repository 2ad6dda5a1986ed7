//! The table `bounded_kinds`.

use rusqlite::{Connection, OptionalExtension};

use super::values::time;
use crate::{Error, Tx};

/// Since when the first of the tasks of the kind `every.kind` waits to be executed: since it is due,
/// or since it is there, if it came with a date of the past, as a hundred may. One search a priority,
/// for those that are held and for the others.
pub(super) const OLDEST: &str = "(SELECT min((SELECT min(since) FROM (
        SELECT max(scheduled_at, created_at) AS since FROM tasks
        WHERE status = 'waiting' AND task_kind = every.kind AND priority = column1
        AND held = column2
        ORDER BY scheduled_at, id LIMIT 100
    ))) FROM (VALUES ('high', 0), ('normal', 0), ('low', 0), ('high', 1), ('normal', 1), ('low', 1)))";

pub(super) fn set(tx: &Tx, kind: &str, max_waiting: u32) -> Result<bool, Error> {
    let insert = "INSERT INTO bounded_kinds VALUES (?1, ?2) ON CONFLICT DO UPDATE
                  SET max_waiting = ?2 WHERE max_waiting <> ?2";
    Ok(tx.prepare_cached(insert)?.execute((kind, max_waiting))? == 1)
}

pub(super) fn delete(tx: &Tx, kind: &str) -> Result<bool, Error> {
    let delete = "DELETE FROM bounded_kinds WHERE task_kind = ?1";
    Ok(tx.prepare_cached(delete)?.execute([kind])? == 1)
}

/// Refuses one more task of this kind if it is full: then as many entries of the index were read as
/// may wait, however many do.
pub(super) fn check_room(sql: &Connection, kind: &str) -> Result<(), Error> {
    let bound = "SELECT max_waiting FROM bounded_kinds WHERE task_kind = ?1";
    let mut bound = sql.prepare_cached(bound)?;
    let Some(bound) = bound.query_one([kind], |row| row.get(0)).optional()? else {
        return Ok(());
    };
    let waiting = "SELECT count(*) FROM (SELECT 1 FROM tasks WHERE status = 'waiting'
                                         AND task_kind = ?1 LIMIT max(?2, 1))";
    let mut waiting = sql.prepare_cached(waiting)?;
    let waiting: u32 = waiting.query_one((kind, bound), |row| row.get(0))?;
    if waiting < bound {
        return Ok(());
    }
    let oldest = format!("SELECT {OLDEST} FROM (SELECT ?1 AS kind) AS every");
    let mut oldest = sql.prepare_cached(&oldest)?;
    let oldest: Option<i64> = oldest.query_one([kind], |row| row.get(0))?;
    Err(Error::Full {
        kind: kind.to_owned(),
        waiting,
        oldest_since: oldest.map(time),
    })
}
