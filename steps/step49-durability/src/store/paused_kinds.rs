//! The table `paused_kinds`, and what there is of each kind.

use rusqlite::Connection;
use serde_json::json;

use super::bounded_kinds::OLDEST;
use super::tasks::WAITING_KINDS;
use super::values::{text, time};
use crate::{Error, KindRecord, Tx};

/// Unless it is paused already: since when doesn't change.
pub(super) fn insert(tx: &Tx, kind: &str) -> Result<bool, Error> {
    let insert = "INSERT INTO paused_kinds VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    let mut insert = tx.prepare_cached(insert)?;
    Ok(insert.execute((kind, tx.now.as_millisecond()))? == 1)
}

pub(super) fn delete(tx: &Tx, kind: &str) -> Result<bool, Error> {
    let delete = "DELETE FROM paused_kinds WHERE task_kind = ?1";
    Ok(tx.prepare_cached(delete)?.execute([kind])? == 1)
}

/// Of the waiting tasks, which may be millions, no more are read than are counted. Those that run
/// are as many as the engines have workers.
pub(super) fn list(sql: &Connection, known: &[String]) -> Result<Vec<KindRecord>, Error> {
    let kinds = format!(
        "WITH RECURSIVE {WAITING_KINDS},
         running (kind, number) AS (
             SELECT task_kind, count(*) FROM tasks WHERE status = 'running' GROUP BY task_kind
         ),
         known (kind) AS (SELECT value FROM json_each(?1)),
         every (kind) AS (
             SELECT kind FROM known UNION SELECT kind FROM kinds WHERE kind NOT NULL
             UNION SELECT kind FROM running UNION SELECT task_kind FROM paused_kinds
             UNION SELECT task_kind FROM bounded_kinds UNION SELECT task_kind FROM limited_kinds
             UNION SELECT task_kind FROM limited_keys UNION SELECT task_kind FROM rated_kinds
         )
         SELECT every.kind, every.kind IN known AS known, paused_at,
             coalesce(number, 0) AS running, max_waiting, limited_kinds.max_running,
             limited_keys.max_running AS max_per_key, {OLDEST} AS oldest_since,
             max_starts, period_ms,
             (SELECT count(*) FROM (SELECT 1 FROM tasks WHERE status = 'waiting'
                                    AND task_kind = every.kind LIMIT ?2)) AS waiting
         FROM every LEFT JOIN running USING (kind)
         LEFT JOIN paused_kinds ON paused_kinds.task_kind = every.kind
         LEFT JOIN bounded_kinds ON bounded_kinds.task_kind = every.kind
         LEFT JOIN limited_kinds ON limited_kinds.task_kind = every.kind
         LEFT JOIN limited_keys ON limited_keys.task_kind = every.kind
         LEFT JOIN rated_kinds ON rated_kinds.task_kind = every.kind ORDER BY every.kind"
    );
    let mut kinds = sql.prepare_cached(&kinds)?;
    let known = json!(known).to_string();
    let kinds = kinds.query_map((known, KindRecord::COUNTED), |row| {
        Ok(KindRecord {
            kind: text(row.get_ref("kind")?),
            known: row.get("known")?,
            paused_at: row.get::<_, Option<_>>("paused_at")?.map(time),
            max_waiting: row.get("max_waiting")?,
            waiting: row.get("waiting")?,
            oldest_since: row.get::<_, Option<_>>("oldest_since")?.map(time),
            max_running: row.get("max_running")?,
            max_per_key: row.get("max_per_key")?,
            max_starts: row.get("max_starts")?,
            period_ms: row.get("period_ms")?,
            running: row.get("running")?,
        })
    })?;
    Ok(kinds.collect::<Result<_, _>>()?)
}
