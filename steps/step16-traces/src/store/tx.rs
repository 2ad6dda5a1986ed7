use std::ops::Deref;

use jiff::Timestamp;
use rusqlite::Connection;

use super::tasks;
use crate::{Error, IntoNewTask};

/// A transaction, which is also the connection to do whatever you want in it: all is committed
/// together, or not at all.
#[derive(Debug)]
pub struct Tx<'c> {
    pub(super) connection: &'c Connection,
    /// When the transaction had its turn.
    pub now: Timestamp,
}

impl Tx<'_> {
    /// Creates a task, which waits for a worker once the transaction is committed, and returns
    /// its number.
    ///
    /// # Errors
    /// [`Error::Parameters`] if they can't be written as a JSON object and read back;
    /// [`Error::Sqlite`].
    pub fn create(&self, task: impl IntoNewTask) -> Result<i64, Error> {
        tasks::insert(self, &task.into_new_task()?)
    }
}

impl Deref for Tx<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}
