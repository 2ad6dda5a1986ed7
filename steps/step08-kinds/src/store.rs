mod door;
mod migrations;
mod opening;
mod tasks;
mod tx;
mod values;

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::Connection;

pub use tx::Tx;

use crate::store::door::Door;
use crate::{Ending, Error, Execution, NewTask, Task};

/// Keeps the tasks, in a SQLite database; cheap to clone, each clone sees the same tasks. Dropping
/// the last one waits for the work that it was given, and closes the database.
#[derive(Debug, Clone)]
pub struct Store {
    door: Door,
}

/// Who acquires a task, and of which kinds; cheap to clone.
#[derive(Debug, Clone)]
pub struct Selection {
    /// The name of the engine.
    pub instance: Arc<str>,
    /// The kinds that it knows.
    pub kinds: Arc<[String]>,
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
    pub async fn create(&self, task: NewTask) -> Result<i64, Error> {
        self.transaction(move |tx| tx.create(&task)).await
    }

    /// Takes the oldest waiting task of these kinds and marks it as running under the name of this
    /// instance.
    ///
    /// # Errors
    /// If the tasks can't be read and changed.
    pub async fn try_acquire_task(&self, selection: &Selection) -> Result<Option<Task>, Error> {
        let Selection { instance, kinds } = selection.clone();
        self.transaction(move |tx| {
            let Some(id) = tasks::oldest_waiting(tx, &kinds)? else {
                return Ok(None);
            };
            tasks::mark_running(tx, id, &instance)?;
            Ok(Some(tasks::find(tx, id)?))
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

    /// The tasks that are marked as running under the name of this instance.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub async fn running_tasks(&self, instance: &str) -> Result<Vec<i64>, Error> {
        let instance = instance.to_owned();
        self.transaction(move |tx| tasks::running(tx, &instance))
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
