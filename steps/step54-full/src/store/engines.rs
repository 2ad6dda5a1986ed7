//! The table `engines`.

use std::process;
use std::time::Duration;

use gethostname::gethostname;
use jiff::Timestamp;
use rusqlite::Connection;

use super::values::{text, time};
use crate::{EngineRecord, Error, Tx};

pub(super) fn insert(tx: &Tx, name: &str, lease: Duration) -> Result<i64, Error> {
    let insert = "INSERT INTO engines (name, host, pid, version, started_at, heartbeat_at, lease)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6)";
    let host = gethostname();
    Ok(tx.prepare_cached(insert)?.insert((
        name,
        host.to_string_lossy(),
        process::id(),
        env!("CARGO_PKG_VERSION"),
        tx.now.as_millisecond(),
        i64::try_from(lease.as_millis()).unwrap_or(i64::MAX),
    ))?)
}

/// Forgets those that have started a thousand starts before this one, unless they may live, or have
/// left tasks: a few at a time, should there be many.
pub(super) fn forget(tx: &Tx, id: i64) -> Result<(), Error> {
    let delete = "DELETE FROM engines WHERE id IN (
                      SELECT id FROM engines WHERE id <= ?1 - 1000 AND status <> 'alive'
                      AND NOT EXISTS (SELECT 1 FROM tasks
                                      WHERE tasks.status = 'running' AND engine_id = engines.id)
                      LIMIT 1000)";
    tx.prepare_cached(delete)?.execute([id])?;
    Ok(())
}

/// Unless it is dead for the others: it has nothing to say any more.
pub(super) fn beat(tx: &Tx, id: i64) -> Result<bool, Error> {
    let update = "UPDATE engines SET heartbeat_at = ?2 WHERE id = ?1 AND status = 'alive'";
    let mut update = tx.prepare_cached(update)?;
    Ok(update.execute((id, tx.now.as_millisecond()))? == 1)
}

/// Those that have missed two beats, and the last one that they haven't: nobody judges himself.
pub(super) fn silent(tx: &Tx, judge: i64) -> Result<Vec<(i64, i64)>, Error> {
    let silent = "SELECT id, heartbeat_at FROM engines
                  WHERE status = 'alive' AND id <> ?2 AND abs(?1 - heartbeat_at) > lease * 2 / 3";
    let mut silent = tx.prepare_cached(silent)?;
    let silent = silent.query_map((tx.now.as_millisecond(), judge), |row| row.try_into())?;
    Ok(silent.collect::<Result<_, _>>()?)
}

/// Unless it has said something since this heartbeat.
pub(super) fn mark_dead(tx: &Tx, id: i64, heartbeat_at: i64) -> Result<bool, Error> {
    let update = "UPDATE engines SET status = 'dead', stopped_at = ?3
                  WHERE id = ?1 AND heartbeat_at = ?2
                  AND status = 'alive' AND abs(?3 - heartbeat_at) > lease";
    let mut update = tx.prepare_cached(update)?;
    Ok(update.execute((id, heartbeat_at, tx.now.as_millisecond()))? == 1)
}

pub(super) fn bury(tx: &Tx, id: i64) -> Result<(), Error> {
    let update = "UPDATE engines SET status = 'dead', stopped_at = ?2
                  WHERE id = ?1 AND status = 'alive'";
    let mut update = tx.prepare_cached(update)?;
    update.execute((id, tx.now.as_millisecond()))?;
    Ok(())
}

pub(super) fn stop(tx: &Tx, id: i64) -> Result<(), Error> {
    let update = "UPDATE engines SET status = 'stopped', stopped_at = ?2 WHERE id = ?1";
    tx.prepare_cached(update)?
        .execute((id, tx.now.as_millisecond()))?;
    Ok(())
}

/// A clock may have been set back: a heartbeat of the future is no better than one of the past.
pub(super) fn list(
    sql: &Connection,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<EngineRecord>, Error> {
    let engines =
        "SELECT *, iif(status = 'alive' AND abs(?1 - heartbeat_at) > lease, 'dead', status)
                       AS seen
                   FROM engines ORDER BY seen <> 'alive', id DESC LIMIT ?2";
    let running = "SELECT id FROM tasks WHERE status = 'running' AND engine_id = ?1 LIMIT 10";
    let mut running = sql.prepare_cached(running)?;
    let mut engines = sql.prepare_cached(engines)?;
    let engines = engines.query_map((now.as_millisecond(), limit), |row| {
        let id = row.get("id")?;
        let running = running.query_map([id], |row| row.get(0))?;
        Ok(EngineRecord {
            id,
            name: text(row.get_ref("name")?),
            status: text(row.get_ref("seen")?),
            host: text(row.get_ref("host")?),
            pid: row.get("pid")?,
            version: text(row.get_ref("version")?),
            started_at: time(row.get("started_at")?),
            heartbeat_at: time(row.get("heartbeat_at")?),
            stopped_at: row.get::<_, Option<_>>("stopped_at")?.map(time),
            running: running.collect::<Result<_, _>>()?,
        })
    })?;
    Ok(engines.collect::<Result<_, _>>()?)
}
