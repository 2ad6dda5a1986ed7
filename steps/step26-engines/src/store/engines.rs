//! The table `engines`.

use std::process;

use gethostname::gethostname;
use rusqlite::Connection;

use super::values::{text, time};
use crate::{EngineRecord, Error, Tx};

pub(super) fn insert(tx: &Tx, name: &str) -> Result<i64, Error> {
    let insert = "INSERT INTO engines (name, host, pid, version, started_at)
                  VALUES (?1, ?2, ?3, ?4, ?5)";
    let host = gethostname();
    Ok(tx.prepare_cached(insert)?.insert((
        name,
        host.to_string_lossy(),
        process::id(),
        env!("CARGO_PKG_VERSION"),
        tx.now.as_millisecond(),
    ))?)
}

pub(super) fn stop(tx: &Tx, id: i64) -> Result<(), Error> {
    let update = "UPDATE engines SET status = 'stopped', stopped_at = ?2 WHERE id = ?1";
    tx.prepare_cached(update)?
        .execute((id, tx.now.as_millisecond()))?;
    Ok(())
}

pub(super) fn list(sql: &Connection, limit: u32) -> Result<Vec<EngineRecord>, Error> {
    let engines = "SELECT * FROM engines ORDER BY status <> 'alive', id DESC LIMIT ?1";
    let running = "SELECT id FROM tasks WHERE status = 'running' AND engine_id = ?1 LIMIT 10";
    let mut running = sql.prepare_cached(running)?;
    let mut engines = sql.prepare_cached(engines)?;
    let engines = engines.query_map([limit], |row| {
        let id = row.get("id")?;
        let running = running.query_map([id], |row| row.get(0))?;
        Ok(EngineRecord {
            id,
            name: text(row.get_ref("name")?),
            status: text(row.get_ref("status")?),
            host: text(row.get_ref("host")?),
            pid: row.get("pid")?,
            version: text(row.get_ref("version")?),
            started_at: time(row.get("started_at")?),
            stopped_at: row.get::<_, Option<_>>("stopped_at")?.map(time),
            running: running.collect::<Result<_, _>>()?,
        })
    })?;
    Ok(engines.collect::<Result<_, _>>()?)
}
