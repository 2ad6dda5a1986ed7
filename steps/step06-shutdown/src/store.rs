mod door;
mod migrations;
mod opening;
mod tasks;
mod tx;

use std::path::Path;

use jiff::Timestamp;
use rusqlite::Connection;

pub use tx::Tx;

use crate::store::door::Door;
use crate::{Ending, Error, Execution, Task};

/// Keeps the tasks, in a SQLite database; cheap to clone, each clone sees the same tasks. Dropping
/// the last one waits for the work that it was given, and closes the database.
#[derive(Debug, Clone)]
pub struct Store {
    door: Door,
}

impl Store {
    /// Opens the database of this file, and makes it if there is none. A database that
    /// another program is writing is waited for, with a warning now and then; one that an earlier
    /// version has made is brought up to date.
    ///
    /// # Errors
    /// [`Error::Open`], with the reason as its source.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let door = Door::new(opening::open(path.as_ref(), opening::writer)?);
        Ok(Self { door })
    }

    /// Creates a task, which waits for a worker, and returns its number.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub async fn create(&self) -> Result<i64, Error> {
        self.transaction(tasks::insert).await
    }

    /// Takes the oldest waiting task and marks it as running.
    ///
    /// # Errors
    /// If the tasks can't be read and changed.
    pub async fn try_acquire_task(&self) -> Result<Option<Task>, Error> {
        self.transaction(|tx| {
            let Some(id) = tasks::oldest_waiting(tx)? else {
                return Ok(None);
            };
            tasks::mark_running(tx, id)?;
            Ok(Some(Task { id }))
        })
        .await
    }

    /// Forgets a task that has been executed, if it is still there and running.
    ///
    /// # Errors
    /// If the tasks can't be read and changed.
    pub async fn end(&self, execution: &Execution) -> Result<Ending, Error> {
        let id = execution.task.id;
        self.transaction(move |tx| tasks::delete_running(tx, id))
            .await
    }

    /// Does some work in a transaction: the one door to the database.
    ///
    /// What the work wrote is committed if it returns `Ok`, forgotten if it returns an error or
    /// panics. It runs to its end even if the caller stops waiting for it. Keep it short: nobody
    /// else can write meanwhile; and don't ask this store for anything in it, since it would wait
    /// for itself.
    ///
    /// # Errors
    /// Those of the work, and [`Error::Sqlite`]. A database that another program is writing is no
    /// error: the transaction waits for its turn.
    ///
    /// # Panics
    /// If the work panics.
    pub async fn transaction<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Tx) -> Result<T, Error> + Send + 'static,
    {
        let transaction = |connection: &mut Connection| {
            let sql = connection.transaction()?;
            let (connection, now) = (&*sql, Timestamp::now());
            let value = work(&Tx { connection, now })?;
            sql.commit()?;
            Ok(value)
        };
        self.door.pass(transaction).await
    }
}
