use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use rusqlite::Connection;

use super::tasks;
use crate::{Created, Error, IntoNewTask};

/// A transaction, which is also the connection to do whatever you want in it: all is committed
/// together, or not at all. Don't end it yourself.
#[derive(Debug)]
pub struct Tx<'c> {
    pub(super) connection: &'c Connection,
    pub(super) created: &'c AtomicBool,
    /// When the transaction had its turn.
    pub now: Timestamp,
}

impl Tx<'_> {
    /// Creates a task, which waits for a worker once the transaction is committed, and returns
    /// its number; or that of the one that exists, if its unique key is taken.
    ///
    /// # Errors
    /// [`Error::Parameters`] if they can't be written as a JSON object and read back;
    /// [`Error::Full`]; [`Error::Sqlite`].
    pub fn create(&self, task: impl IntoNewTask) -> Result<i64, Error> {
        Ok(self.try_create(task)?.id())
    }

    /// Does the same, and says whether the task is new.
    ///
    /// # Errors
    /// Those of [`Tx::create`].
    pub fn try_create(&self, task: impl IntoNewTask) -> Result<Created, Error> {
        let created = tasks::create(self, &task.into_new_task()?)?;
        if let Created::Changed(_) = created {
            // It may be due sooner than a worker knows.
            self.created.store(true, Ordering::Relaxed);
        }
        Ok(created)
    }
}

impl Deref for Tx<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}
