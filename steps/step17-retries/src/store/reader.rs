use std::path::Path;

use rusqlite::Connection;

use super::door::Door;
use super::{executions, opening, tasks};
use crate::{Error, Filter, TaskExecution, TaskRecord};

/// Looks at the tasks, and can change nothing; cheap to clone.
///
/// It has a connection of its own: it waits for nobody who writes, and makes nobody wait.
#[derive(Debug, Clone)]
pub struct Reader {
    door: Door,
}

impl Reader {
    /// Opens the database of this file, which must be there and up to date.
    ///
    /// # Errors
    /// [`Error::Open`], with the reason as its source.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let door = Door::new(opening::open(path.as_ref(), opening::reader)?);
        Ok(Self { door })
    }

    /// A task and its executions, in their order.
    ///
    /// # Errors
    /// [`Error::NoTask`]; [`Error::Sqlite`].
    pub async fn find_task(&self, id: i64) -> Result<(TaskRecord, Vec<TaskExecution>), Error> {
        self.read(move |sql| {
            let task = tasks::record(sql, id)?.ok_or(Error::NoTask(id))?;
            Ok((task, executions::of_task(sql, id)?))
        })
        .await
    }

    /// The last of these tasks, the newest first.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub async fn list_tasks(&self, filter: Filter, limit: u32) -> Result<Vec<TaskRecord>, Error> {
        self.read(move |sql| tasks::list(sql, filter, limit)).await
    }

    /// Reads the database as it is at one moment, whatever others write meanwhile.
    ///
    /// # Errors
    /// Those of the work, and [`Error::Sqlite`].
    ///
    /// # Panics
    /// If the work panics.
    pub async fn read<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    {
        let read = |connection: &mut Connection| work(&*connection.transaction()?);
        self.door.pass(read).await
    }
}
