//! The table `task_engine`.

use jiff::Timestamp;

use super::values::time;
use crate::{Error, Tx};

/// Notes what the clock says, and tells since when it hasn't jumped: by more than five days, since a
/// machine may be off for a long week-end.
pub(super) fn watch_clock(tx: &Tx) -> Result<(Timestamp, Timestamp), Error> {
    let update = "UPDATE task_engine SET seen_at = ?1,
                  steady_since = iif(abs(?1 - seen_at) <= 5 * 86400000, steady_since, ?1)
                  RETURNING steady_since";
    let (now, mut update) = (tx.now, tx.prepare_cached(update)?);
    let since = update.query_one([now.as_millisecond()], |row| row.get(0))?;
    Ok((now, time(since)))
}
