mod door;
mod engines;
mod executions;
mod file;
mod migrations;
mod opening;
mod reader;
mod tasks;
mod tx;
mod values;

use std::path::{self, Path};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;
use rusqlite::hooks::Action;
use serde_json::Value;

pub use reader::Reader;
pub use tx::Tx;

use crate::store::door::Door;
use crate::store::file::DatabaseFile;
use crate::store::tasks::Stranded;
use crate::store::values::time;
use crate::wake_up::{WakeUp, WakeUps};
use crate::{
    Acquired, Clock, Ending, Error, Execution, IntoNewTask, Next, Outcome, TaskError, TaskStatus,
};

/// One task in so many is the one that has been due for the longest time, whatever its priority:
/// none waits for ever.
const PATIENCE: u64 = 10;

/// Keeps the tasks, in a SQLite database; cheap to clone, each clone sees the same tasks. Dropping
/// the last one waits for the work that it was given, and closes the database.
#[derive(Debug, Clone)]
pub struct Store {
    clock: Clock,
    reader: Reader, // Closed first: the last one, if it can write, leaves no log behind.
    door: Door,
    file: Arc<DatabaseFile>,
    created: Arc<AtomicBool>,
    wake_ups: WakeUps,
}

/// How many times a task is put back after its engine was killed.
const CRASHES: i64 = 3;

/// Who acquires a task, and of which kinds; cheap to clone.
#[derive(Debug, Clone)]
pub struct Selection {
    /// The name of the engine.
    pub instance: Arc<str>,
    /// The number of its start, if it has one.
    pub engine: Option<i64>,
    /// The kinds that it knows.
    pub kinds: Arc<[String]>,
    /// How many tasks have been taken with it, or with a clone of it.
    pub taken: Arc<AtomicU64>,
}

impl Store {
    /// Opens the database of this file, and makes it if there is none. A database that
    /// another program is writing is waited for, with a warning now and then; one that an earlier
    /// version has made is brought up to date.
    ///
    /// # Errors
    /// [`Error::Open`], with the reason as its source.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_with_clock(path, Clock::default())
    }

    /// Does the same, with a clock of your choice.
    ///
    /// # Errors
    /// [`Error::Open`], with the reason as its source.
    pub fn open_with_clock(path: impl AsRef<Path>, clock: Clock) -> Result<Self, Error> {
        let connection = opening::open(path.as_ref(), opening::writer)?;
        let reader = Reader::open(path.as_ref())?;
        let file = DatabaseFile::at(path::absolute(path)?)?.into();
        let created = Arc::new(AtomicBool::new(false));
        let note = created.clone();
        connection.update_hook(Some(move |action, _database: &str, table: &str, _row| {
            if action == Action::SQLITE_INSERT && table == "tasks" {
                note.store(true, Ordering::Relaxed);
            }
        }))?;
        Ok(Self {
            clock,
            door: Door::new(connection),
            reader,
            file,
            created,
            wake_ups: WakeUps::default(),
        })
    }

    /// Does the same with a database that must be there, and up to date.
    ///
    /// # Errors
    /// [`Error::Open`], with the reason as its source.
    pub fn open_existing(path: impl AsRef<Path>) -> Result<Self, Error> {
        Reader::open(path.as_ref())?;
        Self::open(path)
    }

    /// Creates a task, which waits for a worker, and returns its number.
    ///
    /// # Errors
    /// [`Error::Parameters`] if they can't be written as a JSON object and read back;
    /// [`Error::Sqlite`].
    pub async fn create(&self, task: impl IntoNewTask) -> Result<i64, Error> {
        let task = task.into_new_task()?;
        self.transaction(move |tx| tx.create(task)).await
    }

    /// Takes the task of these kinds that comes first among those that are due, and marks it as
    /// running under the name of this instance.
    ///
    /// # Errors
    /// If the tasks can't be read and changed.
    pub async fn try_acquire_task(&self, selection: &Selection) -> Result<Acquired, Error> {
        let Selection {
            instance,
            engine,
            kinds,
            taken,
        } = selection.clone();
        self.transaction(move |tx| {
            let by_age = taken.load(Ordering::Relaxed) % PATIENCE == PATIENCE - 1;
            let waiting = tasks::first_waiting(tx, &kinds)?;
            let due = waiting
                .iter()
                .filter(|first| time(first.scheduled_at) <= tx.now);
            let first = due.min_by_key(|first| {
                let priority = (!by_age).then_some(first.priority);
                (priority, first.scheduled_at, first.id)
            });
            let Some(id) = first.map(|first| first.id) else {
                let next = tasks::next(&waiting);
                return Ok(Acquired {
                    next,
                    ..Acquired::default()
                });
            };
            taken.fetch_add(1, Ordering::Relaxed);
            let marked = tasks::mark_running(tx, id, &instance, engine);
            // Here, so that a running task always has an execution, even if the engine is killed.
            let (task, refused) = match marked.and_then(|()| executions::start(tx, id)) {
                Ok(execution) => (Some(tasks::find(tx, id, execution)?), None),
                // As long as the transaction goes on: a trigger may have rolled it back.
                Err(error) if error.is_refusal() && !tx.is_autocommit() => {
                    tasks::mark_failed(tx, id)?;
                    (None, Some((id, error.with_causes())))
                }
                Err(error) => return Err(error),
            };
            let next = tasks::next(&tasks::first_waiting(tx, &kinds)?);
            Ok(Acquired {
                task,
                next,
                refused,
            })
        })
        .await
    }

    /// Ends the execution of a task, with its outcome, if the task still runs in this execution,
    /// and says what comes next for it.
    ///
    /// # Errors
    /// [`Error::Sqlite`], among others if SQLite doesn't want the result.
    pub async fn end(
        &self,
        execution: &Execution,
        outcome: Outcome,
        next: Next,
    ) -> Result<Ending, Error> {
        let task = execution.task.clone();
        self.transaction(move |tx| {
            let (status, retry_at) = match next {
                Next::Stopped => (TaskStatus::Stopped, None),
                Next::Failed => (TaskStatus::Failed, None),
                Next::RetryAt(at) => (TaskStatus::Waiting, Some(at)),
            };
            let ending = tasks::mark_ended(tx, &task, status, retry_at)?;
            if ending == Ending::Ended {
                executions::stop(tx, task.execution, &outcome)?;
            }
            Ok(ending)
        })
        .await
    }

    /// Puts a task that has ended, well or not, back among those that wait: it is due at once, and
    /// has all its retries to come. One that waits, for its time or for a retry, is due at once.
    ///
    /// # Errors
    /// [`Error::NoTask`]; [`Error::Running`]; [`Error::Sqlite`].
    pub async fn retry_task(&self, id: i64) -> Result<(), Error> {
        self.transaction(move |tx| {
            let task = tasks::record(tx, id)?.ok_or(Error::NoTask(id))?;
            if task.status == TaskStatus::Running.as_str() {
                return Err(Error::Running(id));
            }
            tasks::put_back(tx, id)
        })
        .await?;
        self.wake_ups.wake_one_each();
        Ok(())
    }

    /// Puts the tasks that are marked as running under the name of this instance, by an engine that
    /// has no number, back among those that wait, and returns their numbers. Each is due at once, and
    /// its execution has failed; one that this happens to for the fourth time has failed too, and
    /// `false` comes with its number. An empty name stands for tasks that run without one.
    ///
    /// Make sure that no engine of this name runs any more, here or in another process: its tasks
    /// would be executed twice.
    ///
    /// # Errors
    /// [`Error::Sqlite`]: then none is put back.
    pub async fn retry_stranded_tasks(&self, instance: &str) -> Result<Vec<(i64, bool)>, Error> {
        let instance = instance.to_owned();
        let killed = format!("the engine {instance:?} was killed while it executed this task");
        let killed = TaskError::from(killed);
        let put_back = self.transaction(move |tx| {
            let put_back = tasks::running(tx, &instance)?.into_iter().map(|id| {
                executions::stop_stranded(tx, id, &killed)?;
                Ok((id, tasks::put_back_stranded(tx, id, CRASHES)?))
            });
            put_back.collect::<Result<Vec<_>, Error>>()
        });
        let put_back = put_back.await?;
        self.wake_ups.wake_one_each();
        Ok(put_back)
    }

    /// Notes that an engine starts, and returns the number of this start.
    pub(crate) async fn start_engine(&self, name: &str, lease: Duration) -> Result<i64, Error> {
        let name = name.to_owned();
        self.transaction(move |tx| engines::insert(tx, &name, lease))
            .await
    }

    /// Notes that it is alive.
    pub(crate) async fn beat(&self, engine: i64) -> Result<(), Error> {
        self.transaction(move |tx| engines::beat(tx, engine)).await
    }

    /// Notes that it has stopped.
    pub(crate) async fn stop_engine(&self, engine: i64) -> Result<(), Error> {
        self.transaction(move |tx| engines::stop(tx, engine)).await
    }

    /// Notes which engines are dead, among those that were silent before, and says which are silent
    /// now: one look isn't enough, since the clock may have been set, or the machine asleep.
    pub(crate) async fn find_dead(
        &self,
        judge: i64,
        silent: Vec<(i64, i64)>,
    ) -> Result<(Vec<i64>, Vec<(i64, i64)>), Error> {
        self.transaction(move |tx| {
            let mut dead = Vec::new();
            for (engine, heartbeat_at) in silent {
                if engines::mark_dead(tx, engine, heartbeat_at)? {
                    dead.push(engine);
                }
            }
            Ok((dead, engines::silent(tx, judge)?))
        })
        .await
    }

    /// Puts some of the tasks back that engines have left running, but for those that the database
    /// has refused to put back, and says of each whether it is to be executed again.
    pub(crate) async fn recover(
        &self,
        judge: i64,
        max_crashes: Value,
        refused: Vec<i64>,
    ) -> Result<Vec<(Stranded, Result<bool, String>)>, Error> {
        let recovered = self.transaction(move |tx| {
            let mut recovered = Vec::new();
            for task in tasks::stranded(tx, judge, &max_crashes, &refused)? {
                let (engine, name) = (task.engine, &task.name);
                let died = format!("engine {engine}, {name:?}, died while it executed this task");
                let crash = TaskError::of_crash(died);
                // All that is done of a task, or nothing: the others don't depend on it.
                tx.execute_batch("SAVEPOINT one_task")?;
                let put_back = executions::stop_stranded(tx, task.id, &crash)
                    .and_then(|()| tasks::put_back_stranded(tx, task.id, task.max_crashes));
                match put_back {
                    Ok(again) => {
                        tx.execute_batch("RELEASE one_task")?;
                        recovered.push((task, Ok(again)));
                    }
                    // As long as the transaction goes on: a trigger may have rolled it back.
                    Err(error) if error.is_refusal() && !tx.is_autocommit() => {
                        tx.execute_batch("ROLLBACK TO one_task; RELEASE one_task")?;
                        recovered.push((task, Err(error.with_causes())));
                    }
                    Err(error) => return Err(error),
                }
            }
            Ok(recovered)
        });
        let recovered = recovered.await?;
        if !recovered.is_empty() {
            self.wake_ups.wake_one_each();
        }
        Ok(recovered)
    }

    /// The kinds of the waiting tasks, in alphabetical order.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub async fn waiting_kinds(&self) -> Result<Vec<String>, Error> {
        self.reader.read(tasks::waiting_kinds).await
    }

    /// The tasks that are marked as running under the name of this instance.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub async fn running_tasks(&self, instance: &str) -> Result<Vec<i64>, Error> {
        let instance = instance.to_owned();
        self.reader
            .read(move |sql| tasks::running(sql, &instance))
            .await
    }

    /// What looks at the same tasks, and changes nothing.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// The time of the store's clock: schedule by this one, which a test may have made.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether a task that could be acquired is due.
    pub(crate) async fn is_due(&self, selection: &Selection) -> Result<bool, Error> {
        let kinds = selection.kinds.clone();
        let waiting = self
            .reader
            .read(move |sql| tasks::first_waiting(sql, &kinds));
        Ok(tasks::next(&waiting.await?).is_some_and(|at| at <= self.now()))
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What wakes the workers of one more engine, each time a task is created with this store.
    pub(crate) fn wake_up(&self) -> WakeUp {
        self.wake_ups.for_engine()
    }

    /// A number that changes when another connection has committed something. No file is read,
    /// only memory that the processes share.
    pub(crate) async fn data_version(&self) -> Result<i64, Error> {
        let file = self.file.clone();
        let look = move |connection: &mut Connection| {
            file.check()?;
            Ok(connection.pragma_query_value(None, "data_version", |row| row.get(0))?)
        };
        self.door.pass(look).await
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
        self.try_transaction(work).await
    }

    /// Does the same, with errors of a type of yours.
    ///
    /// # Errors
    /// Those of the work, and [`Error::Sqlite`].
    ///
    /// # Panics
    /// If the work panics.
    pub async fn try_transaction<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: FnOnce(&Tx) -> Result<T, E> + Send + 'static,
    {
        let (created, wake_ups) = (self.created.clone(), self.wake_ups.clone());
        let clock = self.clock.clone();
        let transaction = move |connection: &mut Connection| {
            let sql = connection.transaction().map_err(Error::from)?;
            created.store(false, Ordering::Relaxed);
            let (connection, now) = (&*sql, clock.now());
            let value = work(&Tx { connection, now })?;
            sql.commit().map_err(Error::from)?;
            if created.load(Ordering::Relaxed) {
                wake_ups.wake_one_each();
            }
            Ok(value)
        };
        self.door.pass(transaction).await
    }
}
