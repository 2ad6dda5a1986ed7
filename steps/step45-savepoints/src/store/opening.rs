//! From a path to a connection that is ready for the store.

use std::path::Path;
use std::thread::sleep;
use std::time::Duration;
use std::{fs, path};

use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use tracing::warn;

use super::migrations::{check, migrate};
use crate::Error;

/// How long a connection sleeps between two tries when another one is writing: so short that
/// none is always late.
const PAUSE: Duration = Duration::from_micros(200);

/// How many tries there are between two warnings: some ten seconds.
const TRIES_A_WARNING: i32 = 40_000;

/// SQLite can change the constraints of a table since this version.
const OLDEST_SQLITE: i32 = 3_053_000;

pub(super) fn open(
    path: &Path,
    prepare: fn(&Path) -> Result<Connection, Error>,
) -> Result<Connection, Error> {
    prepare(path).map_err(|source| Error::Open {
        path: path.to_owned(),
        source: source.into(),
    })
}

/// Neither makes a database nor changes it.
pub(super) fn reader(path: &Path) -> Result<Connection, Error> {
    let path = path::absolute(path)?;
    fs::metadata(&path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_handler(Some(wait_for_turn))?;
    check(&mut connection)?;
    Ok(connection)
}

pub(super) fn writer(path: &Path) -> Result<Connection, Error> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(Error::SqliteTooOld(rusqlite::version()));
    }
    if path == Path::new(":memory:") {
        return Err(Error::InMemory);
    }
    // The program may change its folder later; and "file:" at the beginning means nothing special.
    let path = path::absolute(path)?;
    if let Some(folder) = path.parent() {
        fs::metadata(folder)?;
    }
    let mut connection = Connection::open(path)?;
    if connection.is_readonly("main")? {
        return Err(Error::ReadOnly);
    }
    connection.busy_handler(Some(wait_for_turn))?;
    // A transaction that reads, then writes, must have its turn from the start: one that asks
    // for it in the middle is refused at once if another has written meanwhile.
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    set(&connection, "foreign_keys", "1")?;
    // The log keeps its size once it was written: no more than this.
    set(&connection, "journal_size_limit", "16777216")?;
    // With a write-ahead log, those that read don't wait for those that write.
    set(&connection, "journal_mode", "wal")?;
    // FULL: a committed task survives a power cut.
    set(&connection, "synchronous", "2")?;
    // Kinds are compared here as they are there, byte by byte.
    set(&connection, "encoding", "UTF-8")?;
    migrate(&mut connection)?;
    Ok(connection)
}

/// SQLite says nothing of a setting that it doesn't know, or can't follow: it is asked.
fn set(connection: &Connection, name: &'static str, value: &str) -> Result<(), Error> {
    let mut tries = 0;
    while let Err(error) = connection.pragma_update(None, name, value) {
        // Two programs that open a new database at once: here SQLite doesn't wait by itself.
        if error.sqlite_error_code() != Some(ErrorCode::DatabaseBusy) {
            return Err(error.into());
        }
        wait_for_turn(tries);
        tries += 1;
    }
    let found = match connection.pragma_query_value(None, name, |row| row.get(0))? {
        Value::Integer(number) => number.to_string(),
        Value::Text(word) => word,
        other => format!("{other:?}"),
    };
    if found == value {
        Ok(())
    } else {
        Err(Error::Setting { name, found })
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
