mod executions;
mod opening;
mod tasks;

use std::panic;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, Transaction};
use serde_json::Value;
use tokio::task::spawn_blocking;

use crate::wake_up::{WakeUp, Watcher};
use crate::{
    Clock, Error, NewTask, Outcome, RetryPolicy, Task, TaskError, TaskExecution, TaskHandler,
    TaskRecord, TaskStatus,
};

/// Keeps the tasks, in a SQLite database; cheap to clone, each clone sees the same tasks.
///
/// Several processes can open the same database: they share its tasks.
///
/// ```
/// # use task_engine::serde_json::json;
/// # use task_engine::{Error, NewTask, Store, TaskStatus};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Error> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("tasks.db");
/// let store = Store::open(path)?;
/// let task = NewTask::new("resize", &json!({ "photo": "cat.jpeg", "width": 640 }));
/// let id = store.create_new_task(task).await?;
///
/// let (task, executions) = store.find_task(id).await?;
/// assert_eq!(task.status, TaskStatus::Waiting);
/// assert_eq!(task.parameters["width"], 640);
/// assert!(executions.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Store {
    connection: Arc<Mutex<Connection>>,
    path: Arc<Path>,
    clock: Clock,
    wake_up: WakeUp,
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
        let path = path.as_ref();
        let connection = Arc::new(Mutex::new(opening::open(path)?));
        Ok(Self {
            connection,
            path: path.into(),
            clock,
            wake_up: WakeUp::default(),
        })
    }

    /// Creates a task, which waits for a worker, and returns its number.
    ///
    /// # Errors
    /// [`Error::Parameters`] if they can't be written as a JSON object and read back;
    /// [`Error::Sqlite`].
    pub async fn create_task<T: TaskHandler>(&self, task: &T) -> Result<i64, Error> {
        self.create_new_task(NewTask::of(task)?).await
    }

    /// Does the same for a task that waits until this time.
    ///
    /// # Errors
    /// Those of [`Store::create_task`].
    pub async fn create_task_at<T: TaskHandler>(
        &self,
        task: &T,
        at: Timestamp,
    ) -> Result<i64, Error> {
        self.create_new_task(NewTask::of(task)?.at(at)).await
    }

    /// Does the same for a task of a kind that this program may not know.
    ///
    /// # Errors
    /// [`Error::Sqlite`], among others if its parameters aren't a JSON object.
    pub async fn create_new_task(&self, task: NewTask) -> Result<i64, Error> {
        let id = self
            .transaction(move |tx, now| Self::create_new_task_in(tx, now, &task))
            .await?;
        self.wake_up.wake_one();
        Ok(id)
    }

    /// Creates a task in a transaction of yours, of this store or of any connection to its
    /// database: the task exists, and wakes a worker, if and when the transaction is committed.
    ///
    /// # Errors
    /// [`Error::Parameters`] if they can't be written as a JSON object and read back;
    /// [`Error::Sqlite`].
    pub fn create_task_in<T: TaskHandler>(
        tx: &Transaction,
        now: Timestamp,
        task: &T,
    ) -> Result<i64, Error> {
        Self::create_new_task_in(tx, now, &NewTask::of(task)?)
    }

    /// Does the same for a task of a kind that this program may not know.
    ///
    /// # Errors
    /// [`Error::Sqlite`], among others if its parameters aren't a JSON object.
    pub fn create_new_task_in(
        tx: &Transaction,
        now: Timestamp,
        task: &NewTask,
    ) -> Result<i64, Error> {
        Ok(tasks::insert(tx, task, now.as_millisecond())?)
    }

    /// Takes the oldest waiting task of these kinds that is due, and marks it as running under
    /// the name of this instance.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub async fn try_acquire_task(
        &self,
        instance: &str,
        kinds: &[String],
    ) -> Result<Option<Task>, Error> {
        let instance = instance.to_owned();
        let kinds = Value::from(kinds).to_string();
        self.transaction(move |tx, now| {
            let now = now.as_millisecond();
            let Some(task) = tasks::oldest_waiting(tx, &kinds, now)? else {
                return Ok(None);
            };
            tasks::mark_running(tx, task.id, &instance, now)?;
            // Here, so that a running task always has an execution, even if the engine is killed.
            executions::start(tx, task.id, now)?;
            Ok(Some(task))
        })
        .await
    }

    /// How long it is until the first waiting task of these kinds is due: nothing if one is due
    /// already, `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub async fn time_to_next_task(&self, kinds: &[String]) -> Result<Option<Duration>, Error> {
        let kinds = Value::from(kinds).to_string();
        self.transaction(move |tx, now| {
            let now = now.as_millisecond();
            let next = tasks::next_schedule(tx, &kinds)?;
            let millis = next.map(|next| u64::try_from(next.saturating_sub(now)).unwrap_or(0));
            Ok(millis.map(Duration::from_millis))
        })
        .await
    }

    /// Ends an execution of a task, and says what becomes of the task: executed, to be retried
    /// after the delay of this policy, or failed. All of that is written, or nothing.
    ///
    /// # Errors
    /// [`Error::NotRunning`] if nobody has acquired this task, or if it was ended already;
    /// [`Error::Sqlite`].
    pub async fn end_task(
        &self,
        id: i64,
        outcome: Outcome,
        retry: &RetryPolicy,
    ) -> Result<TaskStatus, Error> {
        let retry = retry.clone();
        self.transaction(move |tx, now| {
            let now = now.as_millisecond();
            let retries = tasks::retries(tx, id)?.ok_or(Error::NotRunning { id })?;
            executions::stop(tx, id, &outcome, now)?;
            let (status, delay) = match &outcome {
                Ok(_) => (TaskStatus::Stopped, None),
                Err(error) if error.is_permanent() => (TaskStatus::Failed, None),
                Err(_) => (TaskStatus::Failed, retry.delay(retries)),
            };
            let Some(delay) = delay else {
                tasks::mark_ended(tx, id, status, now)?;
                return Ok(status);
            };
            let millis = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
            tasks::mark_waiting_for_retry(tx, id, retries + 1, now.saturating_add(millis), now)?;
            Ok(TaskStatus::Waiting)
        })
        .await
    }

    /// Puts a task that has ended, well or not, back among those that wait: it is due at once, and
    /// has all its retries to come.
    ///
    /// # Errors
    /// [`Error::NoTask`]; [`Error::NotEnded`] if it waits or runs; [`Error::Sqlite`].
    pub async fn retry_task(&self, id: i64) -> Result<(), Error> {
        self.transaction(move |tx, now| {
            let task = tasks::find(tx, id)?.ok_or(Error::NoTask { id })?;
            let status = task.status;
            if !matches!(status, TaskStatus::Stopped | TaskStatus::Failed) {
                return Err(Error::NotEnded { id, status });
            }
            Ok(tasks::mark_waiting_anew(tx, id, now.as_millisecond())?)
        })
        .await?;
        self.wake_up.wake_one();
        Ok(())
    }

    /// Puts the tasks that are marked as running under the name of this instance back among those
    /// that wait, and returns their numbers. Each is due at once, and its execution has failed.
    ///
    /// Make sure that no engine of this name runs any more, here or in another process: its tasks
    /// would be executed twice.
    ///
    /// # Errors
    /// [`Error::Sqlite`]; the tasks before the one that failed are put back.
    pub async fn retry_stranded_tasks(&self, instance: &str) -> Result<Vec<i64>, Error> {
        let mut put_back = Vec::new();
        for id in self.running_tasks(instance).await? {
            if self.retry_stranded_task(id, instance.to_owned()).await? {
                put_back.push(id);
            }
        }
        Ok(put_back)
    }

    /// Says whether the task was still there: another program may do the same.
    async fn retry_stranded_task(&self, id: i64, instance: String) -> Result<bool, Error> {
        let put_back: Result<bool, Error> = self
            .transaction(move |tx, now| {
                let now = now.as_millisecond();
                if !tasks::running(tx, &instance)?.contains(&id) {
                    return Ok(false);
                }
                let killed = TaskError::from(Error::Killed { instance });
                executions::stop(tx, id, &Err(killed), now)?;
                tasks::mark_waiting_again(tx, id, now)?;
                Ok(true)
            })
            .await;
        self.wake_up.wake_one();
        put_back
    }

    /// Counts the tasks of these kinds that are due.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub async fn count_due_tasks(&self, kinds: &[String]) -> Result<u64, Error> {
        let kinds = Value::from(kinds).to_string();
        self.transaction(move |tx, now| Ok(tasks::count_due(tx, &kinds, now.as_millisecond())?))
            .await
    }

    /// Whether tasks of these kinds are due, or run under the name of this instance.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub async fn has_work(&self, instance: &str, kinds: &[String]) -> Result<bool, Error> {
        let instance = instance.to_owned();
        let kinds = Value::from(kinds).to_string();
        self.transaction(move |tx, now| {
            let next = tasks::next_schedule(tx, &kinds)?;
            let due = next.is_some_and(|next| next <= now.as_millisecond());
            Ok(due || !tasks::running(tx, &instance)?.is_empty())
        })
        .await
    }

    /// A task and its executions, in their order.
    ///
    /// # Errors
    /// [`Error::NoTask`]; [`Error::Sqlite`].
    pub async fn find_task(&self, id: i64) -> Result<(TaskRecord, Vec<TaskExecution>), Error> {
        self.transaction(move |tx, _now| {
            let task = tasks::find(tx, id)?.ok_or(Error::NoTask { id })?;
            Ok((task, executions::of_task(tx, id)?))
        })
        .await
    }

    /// The last tasks created, the newest first: those that have this status, or all of them.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub async fn list_tasks(
        &self,
        status: Option<TaskStatus>,
        limit: u32,
    ) -> Result<Vec<TaskRecord>, Error> {
        self.transaction(move |tx, _now| Ok(tasks::list(tx, status, limit)?))
            .await
    }

    /// The tasks that are marked as running under the name of this instance.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub async fn running_tasks(&self, instance: &str) -> Result<Vec<i64>, Error> {
        let instance = instance.to_owned();
        self.transaction(move |tx, _now| Ok(tasks::running(tx, &instance)?))
            .await
    }

    /// The kinds of the waiting tasks, in alphabetical order, with the number of tasks of each.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub async fn waiting_kinds(&self) -> Result<Vec<(String, usize)>, Error> {
        self.transaction(|tx, _now| Ok(tasks::waiting_kinds(tx)?))
            .await
    }

    /// The same store, for one more engine of this process.
    pub(crate) fn for_engine(mut self) -> Self {
        self.wake_up = self.wake_up.for_engine();
        self
    }

    /// What wakes the workers when a task is created with this store, or one of its clones.
    pub(crate) fn wake_up(&self) -> &WakeUp {
        &self.wake_up
    }

    /// What notices the tasks that are created otherwise.
    pub(crate) fn watcher(&self) -> Result<Watcher, Error> {
        let connection = Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        Ok(Watcher::new(connection)?)
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
    /// The work gets the time of the store's clock. What it wrote is committed if it returns `Ok`,
    /// forgotten if it returns an error or panics. It runs to its end even if the caller stops
    /// waiting for it. Keep it short: nobody else can write meanwhile.
    ///
    /// ```
    /// # use task_engine::{Error, Store};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// let store = Store::open(folder.path().join("tasks.db"))?;
    /// let tables: u32 = store
    ///     .transaction(|tx, _now| {
    ///         tx.execute_batch("CREATE TABLE orders (id INTEGER PRIMARY KEY) STRICT")?;
    ///         let count = "SELECT count(*) FROM sqlite_schema WHERE name = 'orders'";
    ///         Ok::<_, Error>(tx.query_one(count, [], |row| row.get(0))?)
    ///     })
    ///     .await?;
    /// assert_eq!(tables, 1);
    /// # Ok(())
    /// # }
    /// ```
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
        F: FnOnce(&Transaction, Timestamp) -> Result<T, E> + Send + 'static,
    {
        let store = self.clone();
        spawn_blocking(move || store.blocking_transaction(work))
            .await
            .unwrap_or_else(|error| panic::resume_unwind(error.into_panic()))
    }

    fn blocking_transaction<T, E, F>(&self, work: F) -> Result<T, E>
    where
        E: From<Error>,
        F: FnOnce(&Transaction, Timestamp) -> Result<T, E>,
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

/// A JSON value of the database; the text as it is, in the rare case that SQLite accepts what
/// `serde_json` doesn't, such as 200 arrays one in the other.
fn json(text: String) -> Value {
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}
