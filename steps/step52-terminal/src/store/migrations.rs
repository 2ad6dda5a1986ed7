//! The tables of the engine, from any version of them to the last.

use rusqlite::{Connection, Transaction};

use crate::Error;

/// Each one brings the schema from a version to the next: none is ever edited, nor drops a table,
/// since the application may refer to it.
#[rustfmt::skip] // one migration a line
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/01_create_tasks.sql"),
    include_str!("../../migrations/02_add_instance.sql"),
    include_str!("../../migrations/03_add_parameters.sql"),
    include_str!("../../migrations/04_add_executions.sql"),
    include_str!("../../migrations/05_add_schedule.sql"),
    include_str!("../../migrations/06_add_errors.sql"),
    include_str!("../../migrations/07_add_context.sql"),
    include_str!("../../migrations/08_add_correlation.sql"),
    include_str!("../../migrations/09_add_priority.sql"),
    include_str!("../../migrations/10_add_engines.sql"),
    include_str!("../../migrations/11_add_heartbeat.sql"),
    include_str!("../../migrations/12_add_cancellation.sql"),
    include_str!("../../migrations/13_add_paused_kinds.sql"),
    include_str!("../../migrations/14_add_unique_key.sql"),
    include_str!("../../migrations/15_add_bounded_kinds.sql"),
    include_str!("../../migrations/16_add_limited_kinds.sql"),
    include_str!("../../migrations/17_add_concurrency_keys.sql"),
    include_str!("../../migrations/18_add_rates.sql"),
    include_str!("../../migrations/19_add_schedules.sql"),
    include_str!("../../migrations/20_add_missed.sql"),
    include_str!("../../migrations/21_add_paused_schedules.sql"),
    include_str!("../../migrations/22_add_retention.sql"),
    include_str!("../../migrations/23_check_faster.sql"),
];

pub(super) fn migrate(connection: &mut Connection) -> Result<(), Error> {
    // Several programs may do this at once: the second one has its turn once all is done.
    let tx = connection.transaction()?;
    let version = version(&tx)?;
    let missing = MIGRATIONS.get(version..).ok_or(Error::NewerSchema)?;
    for migration in missing {
        tx.execute_batch(migration)?;
    }
    if !missing.is_empty() {
        let update = "UPDATE task_engine SET schema_version = ?1";
        tx.execute(update, [MIGRATIONS.len()])?;
    }
    Ok(tx.commit()?)
}

/// Makes sure that all migrations have been made, by somebody else.
pub(super) fn check(connection: &mut Connection) -> Result<(), Error> {
    match version(&connection.transaction()?)? {
        version if version < MIGRATIONS.len() => Err(Error::OlderSchema),
        version if version > MIGRATIONS.len() => Err(Error::NewerSchema),
        _ => Ok(()),
    }
}

/// How many migrations have been made. `user_version` would be a place for this, but there is one
/// for the whole file: it is the application's.
fn version(tx: &Transaction) -> Result<usize, Error> {
    if exists(tx, "task_engine")? {
        return Ok(
            tx.query_one("SELECT schema_version FROM task_engine", [], |row| {
                row.get(0)
            })?,
        );
    }
    if exists(tx, "tasks")? {
        return Err(Error::ForeignTable);
    }
    Ok(0)
}

/// Asks the file: what the connection knows of the schema may be older than the transaction.
fn exists(tx: &Transaction, table: &str) -> Result<bool, Error> {
    let mut table_of = tx.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?1")?;
    Ok(table_of.exists([table])?)
}
