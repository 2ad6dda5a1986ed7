//! From a path to a connection that is ready for the store.

use std::path::Path;

use rusqlite::Connection;

use crate::Error;

pub(super) fn open(path: &Path) -> Result<Connection, Error> {
    let mut connection = Connection::open(path)?;
    let tx = connection.transaction()?;
    if !tx.table_exists(None, "tasks")? {
        tx.execute_batch(include_str!("../../migrations/01_create_tasks.sql"))?;
    }
    tx.commit()?;
    Ok(connection)
}
