use std::ops::Range;
use std::path::Path;

use jiff::Timestamp;
use rusqlite::Connection;

use super::door::Door;
use super::{engines, executions, opening, paused_kinds, schedules, tasks};
use crate::{
    EngineRecord, Error, Filter, KindRecord, Registry, ScheduleRecord, TaskExecution, TaskRecord,
    TaskStatus, TracedTask,
};

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

    /// The tasks that belong to the same thing as this one, if it is the number of a task, or those
    /// that have this correlation id; each after its parent.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub async fn trace(&self, what: &str) -> Result<Vec<TracedTask>, Error> {
        let what = what.to_owned();
        self.read(move |sql| {
            let task = what.parse().ok().map(|id| tasks::record(sql, id));
            let task = task.transpose()?.flatten();
            let correlation = task.map_or(what, |task| task.correlation);
            let mut traced = Vec::new();
            for task in tasks::correlated(sql, &correlation)? {
                traced.push(TracedTask {
                    depth: 0,
                    executions: executions::of_task(sql, task.id)?,
                    task,
                });
            }
            traced.sort_by_key(|traced| traced.task.id);
            Ok(TracedTask::in_order(traced))
        })
        .await
    }

    /// How many tasks have ended with this status in this time, but for its last instant.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub async fn ended(&self, status: TaskStatus, time: Range<Timestamp>) -> Result<usize, Error> {
        let first = (time.start.as_millisecond(), 0);
        let ended = move |sql: &Connection| tasks::ended(sql, status, first, time.end, i64::MAX);
        Ok(self.read(ended).await?.len())
    }

    /// The engines, as they are at this time: those that are alive, then the last ones.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub async fn list_engines(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<EngineRecord>, Error> {
        self.read(move |sql| engines::list(sql, now, limit)).await
    }

    /// The kinds of this registry, and any others of which a task waits or runs, or that are
    /// paused, bounded, limited or rated; in alphabetical order.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub async fn kinds(&self, registry: &Registry) -> Result<Vec<KindRecord>, Error> {
        let known = registry.kinds();
        self.read(move |sql| paused_kinds::list(sql, &known)).await
    }

    /// The schedules, in alphabetical order; also those that somebody has made unreadable.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub async fn schedules(&self) -> Result<Vec<ScheduleRecord>, Error> {
        self.read(|sql| schedules::list(sql, None)).await
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
