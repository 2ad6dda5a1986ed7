//! From a path to a connection that is ready for the store.

use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use tracing::warn;

use crate::Error;

/// How long a connection sleeps between two tries when another one is writing: so short that
/// none is always late.
const PAUSE: Duration = Duration::from_micros(200);

/// How many tries there are between two warnings: some ten seconds.
const TRIES_A_WARNING: i32 = 40_000;

pub(super) fn open(path: &Path) -> Result<Connection, Error> {
    let mut connection = Connection::open(path)?;
    connection.busy_handler(Some(wait_for_turn))?;
    // A transaction that reads, then writes, must have its turn from the start: one that asks
    // for it in the middle is refused at once if another has written meanwhile.
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    connection.pragma_update(None, "foreign_keys", true)?;
    // With FULL, a committed task survives a power cut.
    connection.pragma_update(None, "synchronous", "FULL")?;
    write_ahead(&connection)?;
    let tx = connection.transaction()?;
    // What this connection knows of the schema may be older than the transaction.
    let count = "SELECT count(*) FROM sqlite_schema WHERE name = 'tasks'";
    if tx.query_one(count, [], |row| row.get::<_, i64>(0))? == 0 {
        tx.execute_batch(include_str!("../../migrations/01_create_tasks.sql"))?;
    }
    tx.commit()?;
    Ok(connection)
}

/// With a write-ahead log, those that read don't wait for those that write.
fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let mut tries = 0;
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            // Two programs that open a new database at once: here SQLite doesn't wait by itself.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                wait_for_turn(tries);
                tries += 1;
            }
            outcome => return outcome,
        }
    }
}

/// Says whether to try again: yes, for as long as it takes.
fn wait_for_turn(tries: i32) -> bool {
    if tries % TRIES_A_WARNING == TRIES_A_WARNING - 1 {
        warn!("another program has been writing in the database for a long time: still waiting");
    }
    sleep(PAUSE);
    true
}
