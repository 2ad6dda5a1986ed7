mod bounded_kinds;
mod door;
mod engines;
mod executions;
mod file;
mod group;
mod limited_keys;
mod limited_kinds;
mod migrations;
mod opening;
mod options;
mod paused_kinds;
mod rated_kinds;
mod reader;
mod schedules;
mod task_engine;
mod tasks;
mod tx;
mod values;

use std::io;
use std::num::NonZero;
use std::ops::Range;
use std::path::{self, Path};
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rusqlite::Connection;
use rusqlite::hooks::Action;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

pub use options::{StoreOptions, Synchronous};
pub use reader::Reader;
pub use tx::Tx;

use crate::listener::Listener;
use crate::store::door::{Door, Work};
use crate::store::file::DatabaseFile;
use crate::store::group::Member;
use crate::store::tasks::Stranded;
use crate::store::values::time;
use crate::turns::Turns;
use crate::wake_up::{WakeUp, WakeUps};
use crate::{
    Acquired, Cancelled, Clock, Created, Ending, EngineHandle, Error, Execution, IntoNewTask, Next,
    Outcome, Rate, Task, TaskError, TaskStatus, Which,
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
    cancellations: watch::Sender<()>,
    room: watch::Sender<()>,
    pub(crate) schedules: watch::Sender<()>,
    pub(crate) synchronous: Synchronous,
    turns: Turns,
}

/// How often who waits for room looks whether another process has written in the database.
const LOOK: Duration = Duration::from_millis(10);

/// How many times a task is put back after its engine was killed.
const CRASHES: i64 = 3;

/// How long old tasks are deleted in one transaction, and how many at most.
const SLICE: Duration = Duration::from_millis(1);
const PRUNED: i64 = 128;

/// How long the write-ahead log is, in bytes, when it is looked at: four times what is kept of it.
const LONG_LOG: u64 = 64 << 20;

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
        Self::open_with(path, StoreOptions::default())
    }

    /// Does the same, with a clock of your choice.
    ///
    /// # Errors
    /// [`Error::Open`], with the reason as its source.
    pub fn open_with_clock(path: impl AsRef<Path>, clock: Clock) -> Result<Self, Error> {
        let options = StoreOptions {
            clock,
            ..StoreOptions::default()
        };
        Self::open_with(path, options)
    }

    /// Does the same, as these options say.
    ///
    /// # Errors
    /// [`Error::Open`], with the reason as its source.
    pub fn open_with(path: impl AsRef<Path>, options: StoreOptions) -> Result<Self, Error> {
        let StoreOptions { clock, synchronous } = options;
        let writer = |path: &Path| opening::writer(path, synchronous);
        let connection = opening::open(path.as_ref(), writer)?;
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
            cancellations: watch::Sender::default(),
            room: watch::Sender::default(),
            schedules: watch::Sender::default(),
            synchronous,
            turns: Turns::default(),
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

    /// Creates a task, which waits for a worker, and returns its number; or that of the one
    /// that exists, if its unique key is taken.
    ///
    /// # Errors
    /// [`Error::Parameters`] if they can't be written as a JSON object and read back;
    /// [`Error::Full`]; [`Error::Sqlite`].
    pub async fn create(&self, task: impl IntoNewTask) -> Result<i64, Error> {
        let task = task.into_new_task()?;
        self.repeat(move |tx| tx.create(task.clone())).await
    }

    /// Does the same, and says whether the task is new.
    ///
    /// # Errors
    /// Those of [`Store::create`].
    pub async fn try_create(&self, task: impl IntoNewTask) -> Result<Created, Error> {
        let task = task.into_new_task()?;
        self.repeat(move |tx| tx.try_create(task.clone())).await
    }

    /// Does the same, but waits as long as the kind of the task is full: until one of its tasks
    /// starts or is cancelled, or its bound is raised, in whatever process. Those who wait for a kind
    /// with this store have their turns in their order.
    ///
    /// Don't wait so in a task, if its worker is to make room: fail, and be retried. Dropped, this
    /// future has created nothing, unless it was just about to; not polled, it holds up the others.
    ///
    /// # Errors
    /// [`Error::Parameters`]; [`Error::Replaced`]; [`Error::Sqlite`].
    pub async fn create_when_there_is_room(
        &self,
        task: impl IntoNewTask,
    ) -> Result<Created, Error> {
        let task = task.into_new_task()?;
        let turn = self.turns.of(&task.kind);
        // Not before those who wait already, but for one that may exist.
        if turn.try_lock().is_ok() || task.unique_key.is_some() {
            match self.try_create(task.clone()).await {
                Err(Error::Full { .. }) => (),
                created => return created,
            }
        }
        info!(kind = task.kind, "no room: waiting");
        let _turn = turn.lock().await;
        let mut room = self.room.subscribe();
        loop {
            // What comes too late for the look is noticed after it.
            let version = self.data_version().await?;
            room.mark_unchanged();
            // Who only reads holds up nobody, however many wait elsewhere.
            let kind = task.kind.clone();
            let look = move |sql: &Connection| bounded_kinds::check_room(sql, &kind);
            let full = matches!(self.reader.read(look).await, Err(Error::Full { .. }));
            if !full || task.unique_key.is_some() {
                match self.try_create(task.clone()).await {
                    Err(Error::Full { .. }) => (),
                    created => return created,
                }
            }
            while version == self.data_version().await? {
                if timeout(LOOK, room.changed()).await.is_ok() {
                    break;
                }
            }
        }
    }

    /// Takes the task of these kinds that comes first among those that are due, and marks it as
    /// running under the name of this instance.
    ///
    /// # Errors
    /// If the tasks can't be read and changed.
    pub async fn try_acquire_task(&self, selection: &Selection) -> Result<Acquired, Error> {
        self.repeat(Self::acquisition(selection)).await
    }

    /// Does the same, and takes so many at most of those that come next, unless a kind is limited.
    pub(crate) async fn try_acquire_tasks(
        &self,
        selection: &Selection,
        ahead: usize,
    ) -> Result<Acquired, Error> {
        let acquire = Self::acquisition(selection);
        self.repeat(move |tx| {
            let mut acquired = acquire(tx)?;
            // Of a limited kind, whoever waits would take the place of one that could run.
            let alone = acquired.task.is_none() || limited_kinds::is_any(tx)?;
            while !alone && acquired.ahead.len() < ahead {
                let more = acquire(tx)?;
                (acquired.next, acquired.refused) = (more.next, more.refused);
                let Some(task) = more.task else { break };
                acquired.ahead.push(task);
            }
            Ok(acquired)
        })
        .await
    }

    /// Gives back tasks that were acquired ahead, as if they hadn't been.
    pub(crate) async fn give_back(&self, given: Vec<Task>) -> Result<(), Error> {
        self.repeat(move |tx| given.iter().try_for_each(|task| tasks::give_back(tx, task)))
            .await?;
        self.wake_ups.wake_one_each();
        Ok(())
    }

    /// What is to be done in a transaction for that.
    fn acquisition(selection: &Selection) -> impl Fn(&Tx) -> Result<Acquired, Error> + use<> {
        let Selection {
            instance,
            engine,
            kinds,
            taken,
        } = selection.clone();
        move |tx| {
            let by_age = taken.load(Ordering::Relaxed) % PATIENCE == PATIENCE - 1;
            let startable = limited_kinds::with_room(tx, &kinds)?;
            let waiting = tasks::first_startable(tx, &startable)?;
            let due = waiting
                .iter()
                .filter(|first| !first.full && time(first.startable_at) <= tx.now);
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
            // Before the next look: the kind may have to rest.
            if let Some(task) = &task {
                rated_kinds::note_start(tx, &task.kind)?;
            }
            let startable = limited_kinds::with_room(tx, &kinds)?;
            // When a kind that is full has room again, its keys have turns, too.
            for full in task.iter().filter(|task| !startable.contains(&task.kind)) {
                tasks::first_startable(tx, slice::from_ref(&full.kind))?;
            }
            let next = tasks::next(&tasks::first_startable(tx, &startable)?);
            Ok(Acquired {
                task,
                next,
                refused,
                ..Acquired::default()
            })
        }
    }

    /// Cancels tasks: those that wait aren't executed; those that run, in whatever process, are asked
    /// to stop, and cut short if they don't. One that succeeds nevertheless, or had just done so, has
    /// succeeded; all others won't be executed any more, unless they are put back by hand. Many tasks
    /// are cancelled a thousand at a time: dropped, this future may have cancelled some of them.
    ///
    /// # Errors
    /// [`Error::NoTask`] and [`Error::Ended`], of a task that is called by its number;
    /// [`Error::Sqlite`].
    pub async fn cancel(&self, which: Which) -> Result<Cancelled, Error> {
        let mut all = Cancelled::default();
        loop {
            let some = which.clone();
            let (now, last) = self.repeat(move |tx| tasks::cancel(tx, &some)).await?;
            self.cancellations.send_replace(());
            all.waiting += now.waiting;
            all.running = now.running;
            if last {
                return Ok(all);
            }
        }
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
        let (ending, ()) = self.end_and(execution, outcome, next, |_| Ok(())).await?;
        Ok(ending)
    }

    /// Does the same, and what [`Store::try_acquire_task`] does, in one transaction: both are kept, or
    /// neither is. Nothing is acquired if, when the transaction has its turn, this engine has been asked
    /// to stop. Dropped, this future may have done both: then the task that was acquired is marked as
    /// running, and nobody executes it.
    ///
    /// # Errors
    /// [`Error::Sqlite`], among others if SQLite doesn't want the result, or the next task to start:
    /// then the execution goes on, for [`Store::end`] to end it.
    pub async fn end_and_acquire(
        &self,
        execution: &Execution,
        outcome: Outcome,
        next: Next,
        selection: &Selection,
        engine: EngineHandle,
    ) -> Result<(Ending, Acquired), Error> {
        let acquire = Self::acquisition(selection);
        let then = move |tx: &Tx| {
            if engine.is_running() {
                acquire(tx)
            } else {
                Ok(Acquired::default())
            }
        };
        self.end_and(execution, outcome, next, then).await
    }

    async fn end_and<T: Send + 'static>(
        &self,
        execution: &Execution,
        outcome: Outcome,
        next: Next,
        then: impl Fn(&Tx) -> Result<T, Error> + Send + Sync + 'static,
    ) -> Result<(Ending, T), Error> {
        let task = execution.task.clone();
        let ended = self.repeat(move |tx| {
            let retries = task.retries.saturating_add(1);
            let cancelled = next != Next::Stopped && tasks::is_cancelled(tx, task.id)?;
            let (status, at, retries) = match next {
                Next::Stopped => (TaskStatus::Stopped, None, None),
                _ if cancelled => (TaskStatus::Cancelled, None, None),
                Next::Failed => (TaskStatus::Failed, None, None),
                Next::PutBack => (TaskStatus::Waiting, Some(tx.now), None),
                Next::RetryAt(at) => (TaskStatus::Waiting, Some(at), Some(retries)),
            };
            let ending = tasks::mark_ended(tx, &task, status, at, retries)?;
            if ending == Ending::Lost {
                return Ok((ending, false, then(tx)?));
            }
            executions::stop(tx, task.execution, &outcome)?;
            let ending = if cancelled { Ending::Cancelled } else { ending };
            let makes_room = limited_kinds::is_limited(tx, &task.kind)?;
            Ok((ending, makes_room, then(tx)?))
        });
        let (ending, makes_room, value) = ended.await?;
        if makes_room || next == Next::PutBack {
            self.wake_ups.wake_one_each();
        }
        Ok((ending, value))
    }

    /// Puts a task that has ended, well or not, back among those that wait: it is due at once, and
    /// has all its retries to come. One that waits, for its time or for a retry, is due at once.
    ///
    /// # Errors
    /// [`Error::NoTask`]; [`Error::Running`]; [`Error::KeyTaken`]; [`Error::Sqlite`].
    pub async fn retry_task(&self, id: i64) -> Result<(), Error> {
        self.repeat(move |tx| {
            let task = tasks::record(tx, id)?.ok_or(Error::NoTask(id))?;
            if task.status == TaskStatus::Running.as_str() {
                return Err(Error::Running(id));
            }
            if let Some(twin) = tasks::twin_of(tx, id)? {
                return Err(Error::KeyTaken { id, twin });
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
        let put_back = self.repeat(move |tx| {
            let put_back = tasks::running(tx, &instance)?.into_iter().map(|id| {
                executions::stop_stranded(tx, id, &killed)?;
                let status = tasks::put_back_stranded(tx, id, CRASHES)?;
                Ok((id, status == TaskStatus::Waiting))
            });
            put_back.collect::<Result<Vec<_>, Error>>()
        });
        let put_back = put_back.await?;
        self.wake_ups.wake_one_each();
        Ok(put_back)
    }

    /// Lets no task of this kind start any more, on any engine, until [`Store::resume_kind`], even if
    /// all engines are started again: once this has returned, none does. Those that run are left to
    /// end. Says whether the kind wasn't paused already.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub async fn pause_kind(&self, kind: &str) -> Result<bool, Error> {
        let kind = kind.to_owned();
        self.repeat(move |tx| paused_kinds::insert(tx, &kind)).await
    }

    /// Lets the tasks of this kind start again, at once for those that are due. Says whether the kind
    /// was paused.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub async fn resume_kind(&self, kind: &str) -> Result<bool, Error> {
        let kind = kind.to_owned();
        let resumed = self.repeat(move |tx| paused_kinds::delete(tx, &kind));
        let resumed = resumed.await?;
        self.wake_ups.wake_one_each();
        Ok(resumed)
    }

    /// Lets no more tasks of this kind wait than so many, those for later included, whoever creates
    /// them with this library; or as many as come, if there is no bound. Those that wait already stay,
    /// and those that are put back always find room. Each creation counts them: a bound of thousands
    /// costs little, one of millions much. Says whether this changes anything.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub async fn bound_kind(&self, kind: &str, max_waiting: Option<u32>) -> Result<bool, Error> {
        let kind = kind.to_owned();
        self.repeat(move |tx| match max_waiting {
            Some(max_waiting) => bounded_kinds::set(tx, &kind, max_waiting),
            None => bounded_kinds::delete(tx, &kind),
        })
        .await
    }

    /// Lets no more tasks of this kind run at once than so many, on all engines together; or as many
    /// as there are workers, if there is no limit. Those that run already are left to end. Says whether
    /// this changes anything.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub async fn limit_kind(
        &self,
        kind: &str,
        max_running: Option<NonZero<u32>>,
    ) -> Result<bool, Error> {
        let kind = kind.to_owned();
        let limited = self.repeat(move |tx| match max_running {
            Some(max_running) => limited_kinds::set(tx, &kind, max_running),
            None => limited_kinds::delete(tx, &kind),
        });
        let limited = limited.await?;
        self.wake_ups.wake_one_each();
        Ok(limited)
    }

    /// Lets no more tasks of this kind run at once for each [key](crate::NewTask::concurrency_key) than
    /// so many, on all engines together; or as many as there are workers, if there is no limit: those
    /// without a key aren't limited. Says whether this changes anything. Those that a limit has held up
    /// until then are released a thousand at a time: dropped, this future may have left some, that start
    /// one after the other. Keys that are full have turns: their next task comes to the end of the queue.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub async fn limit_keys(
        &self,
        kind: &str,
        max_running: Option<NonZero<u32>>,
    ) -> Result<bool, Error> {
        let name = kind.to_owned();
        let limited = self.repeat(move |tx| match max_running {
            Some(max_running) => limited_keys::set(tx, &name, max_running),
            None => limited_keys::delete(tx, &name),
        });
        let limited = limited.await?;
        loop {
            let name = kind.to_owned();
            let released = self.repeat(move |tx| limited_keys::release(tx, &name));
            let last = released.await? < limited_keys::RELEASED;
            self.wake_ups.wake_one_each();
            if last {
                return Ok(limited);
            }
        }
    }

    /// Lets no more tasks of this kind start than a rate allows, retries included, on all engines
    /// together; or as many as can, if there is none. They start one by one, at even intervals at the
    /// least: what isn't started in its time isn't made up for. If the clock is set back, one may start
    /// too early. Says whether this changes anything.
    ///
    /// # Errors
    /// [`Error::Rate`] if it can't be kept; [`Error::Sqlite`].
    pub async fn rate_kind(&self, kind: &str, rate: Option<Rate>) -> Result<bool, Error> {
        let kind = kind.to_owned();
        let rated = self.repeat(move |tx| match rate {
            Some(rate) => rated_kinds::set(tx, &kind, rate),
            None => rated_kinds::delete(tx, &kind),
        });
        let rated = rated.await?;
        self.wake_ups.wake_one_each();
        Ok(rated)
    }

    /// Deletes the tasks that have ended with this status in this time, but for its last instant, with
    /// their executions, and returns how many. One that the database refuses to delete, because a row
    /// of the application needs it for instance, is left, with a warning. Others have their turns
    /// every few milliseconds: dropped, this future may have deleted some of them.
    ///
    /// # Errors
    /// [`Error::LongLog`], before a task is deleted or after some were; [`Error::Sqlite`].
    pub async fn prune(&self, status: TaskStatus, time: Range<Timestamp>) -> Result<usize, Error> {
        let (mut last, mut size, mut deleted) = ((time.start.as_millisecond(), 0), 1, 0);
        loop {
            let find = move |sql: &Connection| tasks::ended(sql, status, last, time.end, size);
            let found = self.reader.read(find).await?;
            let Some(&end) = found.last() else {
                return Ok(deleted);
            };
            self.check_log().await?;
            let begun_at = Instant::now();
            match self.repeat(move |tx| tasks::delete(tx, &found)).await {
                Ok((count, elapsed)) => {
                    (last, deleted) = (end, deleted + count);
                    size = if elapsed < SLICE { size * 2 } else { size / 2 };
                }
                // Smaller transactions tell which of them is refused.
                Err(error) if error.is_refusal() && size > 1 => size /= 2,
                Err(error) if error.is_refusal() => {
                    let (task, error) = (end.1, error.with_causes());
                    warn!(task, error, "task can't be deleted");
                    last = end;
                }
                Err(error) => return Err(error),
            }
            size = size.clamp(1, PRUNED);
            sleep(begun_at.elapsed() * 4).await;
        }
    }

    /// Whether most of a long log can be moved to the database: not as long as somebody reads what was
    /// there before.
    pub(crate) async fn check_log(&self) -> Result<(), Error> {
        let bytes = self.file.log_size();
        if bytes <= LONG_LOG {
            return Ok(());
        }
        let held = |connection: &mut Connection| {
            connection.query_one("PRAGMA wal_checkpoint", [], |row| {
                let (busy, pages, moved): (bool, i64, i64) = row.try_into()?;
                // Not all: while many work, somebody has always been reading for a moment.
                Ok(!busy && moved < pages / 2)
            })
        };
        if self.door.pass(held).await? {
            return Err(Error::LongLog(bytes));
        }
        Ok(())
    }

    /// Forgets the starts of engines that are too old, at this one.
    pub(crate) async fn forget_engines(&self, engine: i64) -> Result<(), Error> {
        self.repeat(move |tx| engines::forget(tx, engine)).await
    }

    /// What the clock says, which is noted, and since when it hasn't jumped.
    pub(crate) async fn watch_clock(&self) -> Result<(Timestamp, Timestamp), Error> {
        self.repeat(task_engine::watch_clock).await
    }

    /// Notes that an engine starts, and returns the number of this start.
    pub(crate) async fn start_engine(&self, name: &str, lease: Duration) -> Result<i64, Error> {
        let name = name.to_owned();
        self.repeat(move |tx| engines::insert(tx, &name, lease))
            .await
    }

    /// Notes that it is alive.
    pub(crate) async fn beat(&self, engine: i64) -> Result<bool, Error> {
        self.repeat(move |tx| engines::beat(tx, engine)).await
    }

    /// Notes that it has lost its lease, and puts back those of its tasks that nobody else has put
    /// back.
    pub(crate) async fn release(&self, engine: i64) -> Result<(), Error> {
        let lost = format!("engine {engine} lost its lease while it executed this task");
        let error = TaskError::of_crash(lost);
        self.repeat(move |tx| {
            engines::bury(tx, engine)?;
            for task in tasks::release(tx, engine)? {
                executions::stop_stranded(tx, task, &error)?;
            }
            Ok(())
        })
        .await?;
        self.wake_ups.wake_one_each();
        Ok(())
    }

    /// Notes that it has stopped.
    pub(crate) async fn stop_engine(&self, engine: i64) -> Result<(), Error> {
        self.repeat(move |tx| engines::stop(tx, engine)).await
    }

    /// Notes which engines are dead, among those that were silent before, and says which are silent
    /// now: one look isn't enough, since the clock may have been set, or the machine asleep.
    pub(crate) async fn find_dead(
        &self,
        judge: i64,
        silent: Vec<(i64, i64)>,
    ) -> Result<(Vec<i64>, Vec<(i64, i64)>), Error> {
        self.repeat(move |tx| {
            let mut dead = Vec::new();
            for &(engine, heartbeat_at) in &silent {
                if engines::mark_dead(tx, engine, heartbeat_at)? {
                    dead.push(engine);
                }
            }
            Ok((dead, engines::silent(tx, judge)?))
        })
        .await
    }

    /// Puts some of the tasks back that engines have left running, but for those that the database
    /// has refused to put back, and says of each what it is now.
    pub(crate) async fn recover(
        &self,
        judge: i64,
        max_crashes: Value,
        refused: Vec<i64>,
    ) -> Result<Vec<(Stranded, Result<TaskStatus, String>)>, Error> {
        let recovered = self.repeat(move |tx| {
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
                    Ok(status) => {
                        tx.execute_batch("RELEASE one_task")?;
                        recovered.push((task, Ok(status)));
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

    /// The executions of this engine that somebody has cancelled.
    pub(crate) async fn cancelled_executions(&self, engine: i64) -> Result<Vec<i64>, Error> {
        let cancelled = move |sql: &Connection| tasks::cancelled_executions(sql, engine);
        self.reader.read(cancelled).await
    }

    /// What changes each time that this store has cancelled tasks.
    pub(crate) fn cancellations(&self) -> watch::Receiver<()> {
        self.cancellations.subscribe()
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
        let (kinds, clock) = (selection.kinds.clone(), self.clock.clone());
        let due = self.reader.read(move |sql| {
            let waiting = tasks::first_waiting(sql, &kinds, clock.now())?;
            // After the look: what it has found may have come meanwhile.
            let now = clock.now();
            let due = waiting.iter().any(|first| time(first.scheduled_at) <= now);
            Ok(due || tasks::any_held(sql, &kinds)?)
        });
        due.await
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What wakes the workers of one more engine, each time a task is created with this store.
    pub(crate) fn wake_up(&self) -> WakeUp {
        self.wake_ups.for_engine()
    }

    /// Hears from the kernel when something is written, or fails if it doesn't tell; then, once in
    /// this interval at most, one looks nevertheless.
    pub(crate) fn listen(&self, interval: Duration) -> io::Result<Listener> {
        Listener::start(self.file.with_log()?, interval)
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
    /// Transactions that wait together are committed together. One that fails leaves the others as
    /// they are; but if a statement in it rolls back all of them, by `OR ROLLBACK` for instance, or if
    /// the commit fails, they are answered [`Error::RolledBack`]: ask again.
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
    /// Those of [`Store::transaction`].
    ///
    /// # Panics
    /// If the work panics.
    pub async fn try_transaction<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: FnOnce(&Tx) -> Result<T, E> + Send + 'static,
    {
        self.transact(Work::Shared, None, work).await
    }

    /// Does some work of our own, and once more, by itself, if another's has undone it.
    async fn repeat<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&Tx) -> Result<T, Error> + Send + Sync + 'static,
    {
        // What SQLite has refused may be half done, and its counts don't tell.
        let harmless: Option<fn(&Error) -> bool> = Some(|error| !matches!(error, Error::Sqlite(_)));
        let work = Arc::new(work);
        let first = work.clone();
        let shared = self.transact(Work::Shared, harmless, move |tx| first(tx));
        match shared.await {
            Err(Error::RolledBack) => {
                self.transact(Work::Alone, harmless, move |tx| work(tx))
                    .await
            }
            done => done,
        }
    }

    async fn transact<T, E, F>(
        &self,
        how: fn(Member) -> Work,
        harmless: Option<fn(&E) -> bool>,
        work: F,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: FnOnce(&Tx) -> Result<T, E> + Send + 'static,
    {
        let (created, wake_ups) = (self.created.clone(), self.wake_ups.clone());
        let (clock, room) = (self.clock.clone(), self.room.clone());
        let work = move |sql: &Connection| {
            created.store(false, Ordering::Relaxed);
            let tx = Tx {
                connection: sql,
                created: &created,
                now: clock.now(),
            };
            let value = work(&tx)?;
            Ok((value, created.load(Ordering::Relaxed)))
        };
        let then = move |(value, created)| {
            room.send_replace(());
            if created {
                wake_ups.wake_one_each();
            }
            value
        };
        self.door.commit(how, harmless, work, then).await
    }
}
