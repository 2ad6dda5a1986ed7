use std::ops::Deref;

use jiff::Timestamp;
use rusqlite::Connection;

use super::tasks;
use crate::{Error, NewTask};

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
    /// [`Error::Sqlite`].
    pub fn create(&self, task: &NewTask) -> Result<i64, Error> {
        tasks::insert(self, task)
    }
}

impl Deref for Tx<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}
