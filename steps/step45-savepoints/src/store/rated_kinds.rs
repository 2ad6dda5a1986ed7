//! The table `rated_kinds`.

use crate::{Error, Rate, Tx};

/// Whatever the rate was, the last start stays the last one.
pub(super) fn set(tx: &Tx, kind: &str, rate: Rate) -> Result<bool, Error> {
    let insert = "INSERT INTO rated_kinds (task_kind, max_starts, period_ms) VALUES (?1, ?2, ?3)
                  ON CONFLICT DO UPDATE SET max_starts = ?2, period_ms = ?3
                  WHERE (max_starts, period_ms) <> (?2, ?3)";
    let mut insert = tx.prepare_cached(insert)?;
    Ok(insert.execute((kind, rate.starts.get(), rate.period_ms()?))? == 1)
}

pub(super) fn delete(tx: &Tx, kind: &str) -> Result<bool, Error> {
    let delete = "DELETE FROM rated_kinds WHERE task_kind = ?1";
    Ok(tx.prepare_cached(delete)?.execute([kind])? == 1)
}

/// All that there is to know of the past: an engine that is killed takes nothing with it.
pub(super) fn note_start(tx: &Tx, kind: &str) -> Result<(), Error> {
    let update = "UPDATE rated_kinds SET last_start_at = ?2 WHERE task_kind = ?1";
    let mut update = tx.prepare_cached(update)?;
    update.execute((kind, tx.now.as_millisecond()))?;
    Ok(())
}
