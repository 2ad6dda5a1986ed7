//! From a path to a connection that has all that the store relies on.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};
use rusqlite_migration::{Error as MigrationError, M, MigrationDefinitionError, Migrations};

use crate::Error;

const MIGRATIONS: Migrations = Migrations::from_slice(MIGRATION_FILES);

#[rustfmt::skip] // one migration a line
const MIGRATION_FILES: &[M] = &[
    M::up(include_str!("../../migrations/01_create_tasks.sql")),
    M::up(include_str!("../../migrations/02_add_instance.sql")),
    M::up(include_str!("../../migrations/03_add_parameters.sql")),
    M::up(include_str!("../../migrations/04_add_executions.sql")),
    M::up(include_str!("../../migrations/05_add_schedule.sql")),
    M::up(include_str!("../../migrations/06_add_errors.sql")),
];

/// How long a transaction waits for its turn when another process is writing.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

pub(super) fn open(path: &Path) -> Result<Connection, Error> {
    if rusqlite::version_number() < 3_051_003 {
        return Err(Error::SqliteTooOld {
            found: rusqlite::version(),
        });
    }
    // Two processes that open a new database at once must not both create its tables: the
    // second one waits here, until the lock goes with this variable.
    let _lock = lock_folder(path)?;
    let in_opening = |source| Error::Open {
        path: path.to_owned(),
        source,
    };
    let mut connection = Connection::open(path).map_err(in_opening)?;
    if connection.is_readonly("main").map_err(in_opening)? {
        return Err(Error::ReadOnly {
            path: path.to_owned(),
        });
    }
    let journal_mode = configure(&mut connection).map_err(in_opening)?;
    if journal_mode != "wal" {
        return Err(Error::Wal {
            path: path.to_owned(),
            found: journal_mode,
        });
    }
    migrate(&mut connection, path)?;
    Ok(connection)
}

fn lock_folder(path: &Path) -> Result<File, Error> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    File::open(folder)
        .and_then(|opened| opened.lock().map(|()| opened))
        .map_err(|source| Error::Folder {
            folder: folder.to_owned(),
            source,
        })
}

/// Returns the journal mode, which SQLite is free to choose otherwise.
fn configure(connection: &mut Connection) -> rusqlite::Result<String> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // A transaction that reads, then writes, must have its turn from the start: one that asks
    // for it in the middle is refused at once if another has written meanwhile.
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    connection.pragma_update(None, "foreign_keys", true)?;
    // With FULL, a committed task survives a power cut.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), Error> {
    MIGRATIONS.to_latest(connection).map_err(|error| {
        let path = path.to_owned();
        let reason = match error {
            MigrationError::MigrationDefinition(MigrationDefinitionError::DatabaseTooFarAhead) => {
                return Error::NewerSchema { path };
            }
            // Without the statement, which is long, and not the user's.
            MigrationError::RusqliteError { err, .. } => match err {
                rusqlite::Error::SqlInputError { msg, .. } => msg,
                err => err.to_string(),
            },
            error => error.to_string(),
        };
        Error::Migration { path, reason }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_migrations_are_valid() {
        MIGRATIONS.validate().unwrap();
    }
}
