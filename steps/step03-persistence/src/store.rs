mod opening;
mod tasks;

use std::panic;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, Transaction};
use tokio::task::spawn_blocking;

use crate::{Clock, Error, Task, TaskStatus};

/// Keeps the tasks, in a SQLite database; cheap to clone, each clone sees the same tasks.
///
/// Several processes can open the same database: they share its tasks.
#[derive(Clone)]
pub struct Store {
    connection: Arc<Mutex<Connection>>,
    clock: Clock,
}

impl Store {
    /// Opens a database, and creates it or brings its schema up to date if need be. Blocks its
    /// thread meanwhile.
    ///
    /// # Errors
    /// If the file can't be opened, isn't a database, can't be written, was made by a newer
    /// program, or stands where SQLite can't guarantee what the engine needs.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_with_clock(path, Clock::System)
    }

    /// Does the same as [`Store::open`], with a clock of your own.
    ///
    /// # Errors
    /// Those of [`Store::open`].
    pub fn open_with_clock(path: impl AsRef<Path>, clock: Clock) -> Result<Self, Error> {
        let connection = Arc::new(Mutex::new(opening::open(path.as_ref())?));
        Ok(Self { connection, clock })
    }

    /// Creates a task, which waits for a worker, and returns its number.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub async fn create_task(&self) -> Result<i64, Error> {
        self.transaction(|tx, now| Ok(tasks::insert(tx, now)?))
            .await
    }

    /// Takes the oldest waiting task and marks it as running.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub async fn try_acquire_task(&self) -> Result<Option<Task>, Error> {
        self.transaction(|tx, now| {
            let Some(task) = tasks::oldest_waiting(tx)? else {
                return Ok(None);
            };
            tasks::mark_running(tx, task.id, now)?;
            Ok(Some(task))
        })
        .await
    }

    /// Forgets a task that has been executed.
    ///
    /// # Errors
    /// [`Error::NotRunning`] if nobody has acquired this task, or if it was ended already;
    /// [`Error::Sqlite`].
    pub async fn end_task(&self, id: i64) -> Result<(), Error> {
        self.transaction(move |tx, _now| {
            if tasks::delete_running(tx, id)? {
                Ok(())
            } else {
                Err(Error::NotRunning { id })
            }
        })
        .await
    }

    /// Counts the tasks that have this status.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub async fn count_tasks(&self, status: TaskStatus) -> Result<usize, Error> {
        self.transaction(move |tx, _now| Ok(tasks::count(tx, status)?))
            .await
    }

    /// Does some work in a transaction: the one door to the database.
    ///
    /// The work gets the time, in milliseconds since the Unix epoch. What it wrote is committed
    /// if it returns `Ok`, forgotten if it returns an error or panics. It runs to its end even if
    /// the caller stops waiting for it. Keep it short: nobody else can write meanwhile.
    ///
    /// # Errors
    /// Those of the work, whose type is yours, and [`Error::Sqlite`].
    ///
    /// # Panics
    /// If the work panics.
    pub async fn transaction<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: FnOnce(&Transaction, i64) -> Result<T, E> + Send + 'static,
    {
        let store = self.clone();
        spawn_blocking(move || store.blocking_transaction(work))
            .await
            .unwrap_or_else(|error| panic::resume_unwind(error.into_panic()))
    }

    fn blocking_transaction<T, E, F>(&self, work: F) -> Result<T, E>
    where
        E: From<Error>,
        F: FnOnce(&Transaction, i64) -> Result<T, E>,
    {
        // A work that panicked has left nothing behind: its transaction was rolled back.
        let mut connection = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let tx = connection.transaction().map_err(Error::from)?;
        let value = work(&tx, self.clock.now())?;
        tx.commit().map_err(Error::from)?;
        Ok(value)
    }
}
