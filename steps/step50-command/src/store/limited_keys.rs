//! The table `limited_keys`, and the tasks that are held because of it.

use std::num::NonZero;

use crate::{Error, Tx};

/// How many tasks are released in one transaction, once nothing holds them any more.
pub(super) const RELEASED: usize = 1000;

/// Each key may have more places than before: its first tasks are looked at again.
pub(super) fn set(tx: &Tx, kind: &str, max_running: NonZero<u32>) -> Result<bool, Error> {
    let insert = "INSERT INTO limited_keys VALUES (?1, ?2) ON CONFLICT DO UPDATE
                  SET max_running = ?2 WHERE max_running <> ?2";
    let mut insert = tx.prepare_cached(insert)?;
    let release = "UPDATE tasks SET held = 0 WHERE id IN (
                       SELECT id FROM (
                           SELECT id, row_number() OVER
                               (PARTITION BY concurrency_key ORDER BY id) AS place
                           FROM tasks WHERE held = 1 AND task_kind = ?1
                       ) WHERE place <= ?2
                   )";
    let changed = insert.execute((kind, max_running.get()))? == 1;
    tx.prepare_cached(release)?
        .execute((kind, max_running.get()))?;
    Ok(changed)
}

pub(super) fn delete(tx: &Tx, kind: &str) -> Result<bool, Error> {
    let delete = "DELETE FROM limited_keys WHERE task_kind = ?1";
    Ok(tx.prepare_cached(delete)?.execute([kind])? == 1)
}

/// Releases some of the tasks of this kind, unless it is limited again, and says how many.
pub(super) fn release(tx: &Tx, kind: &str) -> Result<usize, Error> {
    let release = "UPDATE tasks SET held = 0 WHERE id IN (
                       SELECT id FROM tasks WHERE held = 1 AND task_kind = ?1
                       AND NOT EXISTS (SELECT 1 FROM limited_keys WHERE task_kind = ?1) LIMIT ?2
                   )";
    let mut release = tx.prepare_cached(release)?;
    Ok(release.execute((kind, RELEASED))?)
}
