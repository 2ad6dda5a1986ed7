use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::{Error, Handler, IfExists, Priority, TaskHandler};

/// A task that a worker has acquired.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Its number: tasks are numbered from 1, in the order of their creation.
    pub id: i64,
    /// The number of its execution.
    pub execution: i64,
    /// Which code executes it.
    pub kind: String,
    /// What it works on: an object. What isn't JSON in the database is a text here, which fits no
    /// kind.
    pub parameters: Value,
    /// How many times it was retried.
    pub retries: u32,
    /// What it belongs to: an id that the application has given, or the number of its first
    /// ancestor as a text.
    pub correlation: String,
    /// The number of the task that has created it.
    pub parent: Option<i64>,
    /// How long an execution may last, if its creator has said so.
    pub timeout: Option<Duration>,
    /// The time for which its schedule has created it, however late it is.
    pub tick: Option<Timestamp>,
}

/// What an acquisition has found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Acquired {
    /// The task, if one was waiting.
    pub task: Option<Task>,
    /// When the first of those that wait may start, or might have.
    pub next: Option<Timestamp>,
    /// The number of the task that couldn't be started, and why: it has failed.
    pub refused: Option<(i64, String)>,
}

/// A task that is yet to be created.
#[must_use]
#[derive(Debug, Clone, PartialEq)]
pub struct NewTask {
    pub(crate) kind: String,
    pub(crate) parameters: Value,
    pub(crate) scheduled_at: Option<Timestamp>,
    pub(crate) priority: Priority,
    pub(crate) unique_key: Option<String>,
    pub(crate) if_exists: IfExists,
    pub(crate) concurrency_key: Option<String>,
    pub(crate) correlation: Option<String>,
    pub(crate) parent: Option<i64>,
    pub(crate) timeout: Option<Duration>,
}

impl NewTask {
    /// Makes a task of a kind that this program may not know, of an object of parameters.
    pub fn new(kind: &str, parameters: Value) -> Self {
        Self {
            kind: kind.to_owned(),
            parameters,
            scheduled_at: None,
            priority: Priority::default(),
            unique_key: None,
            if_exists: IfExists::default(),
            concurrency_key: None,
            correlation: None,
            parent: None,
            timeout: None,
        }
    }

    /// The same task, to be executed from this time on: at once, by default.
    pub fn at(mut self, time: Timestamp) -> Self {
        self.scheduled_at = Some(time);
        self
    }

    /// The same task, before or after those that are due at the same time.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// The same task, which isn't created while one of its kind and of this key, compared byte for
    /// byte, waits or runs. Once that one has ended, well or not, the key is free again.
    pub fn unique(mut self, key: impl Into<String>) -> Self {
        self.unique_key = Some(key.into());
        self
    }

    /// The same task, with something to do if its unique key is taken: nothing, by default.
    pub fn if_exists(mut self, what: IfExists) -> Self {
        self.if_exists = what;
        self
    }

    /// The same task, for this tenant, or this remote host: no more tasks of its kind and of this key,
    /// compared byte for byte, run at once than [`Store::limit_keys`](crate::Store::limit_keys) lets.
    pub fn concurrency_key(mut self, key: impl Into<String>) -> Self {
        self.concurrency_key = Some(key.into());
        self
    }

    /// The same task, as a part of what has this id: an order, a request. Nothing says that the id is
    /// unique: tasks that have the same one are followed together.
    pub fn correlation(mut self, id: impl Into<String>) -> Self {
        self.correlation = Some(id.into());
        self
    }

    /// The same task, as the child of this one: it belongs to the same thing, unless it has an id
    /// of its own.
    pub fn child_of(mut self, task: &Task) -> Self {
        self.parent = Some(task.id);
        let correlation = self.correlation.take();
        self.correlation(correlation.unwrap_or_else(|| task.correlation.clone()))
    }

    /// The same task, whose executions may last as long as this, to the millisecond, whatever its
    /// kind says: see [`TaskHandler::timeout`].
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Makes a task of a known kind.
    ///
    /// # Errors
    /// [`Error::Parameters`] if they can't be written as a JSON object and read back.
    pub fn of<T: TaskHandler>(task: &T) -> Result<Self, Error> {
        let parameters = serde_json::to_value(task).map_err(|error| Error::Parameters {
            kind: T::KIND.to_owned(),
            reason: error.to_string(),
        })?;
        Handler::of::<T>().check(T::KIND, &parameters)?;
        Ok(Self::new(T::KIND, parameters))
    }
}

/// What can be created: a [`NewTask`], or a reference to a [`TaskHandler`].
pub trait IntoNewTask {
    /// Makes the task that is to be created.
    ///
    /// # Errors
    /// [`Error::Parameters`] if they can't be written as a JSON object and read back.
    fn into_new_task(self) -> Result<NewTask, Error>;
}

impl IntoNewTask for NewTask {
    fn into_new_task(self) -> Result<NewTask, Error> {
        Ok(self)
    }
}

impl<T: TaskHandler> IntoNewTask for &T {
    fn into_new_task(self) -> Result<NewTask, Error> {
        NewTask::of(self)
    }
}

/// How far a task has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskStatus {
    /// No worker has acquired it yet.
    Waiting,
    /// A worker has acquired it and hasn't ended it.
    Running,
    /// It has been executed.
    Stopped,
    /// Its execution has failed.
    Failed,
    /// Somebody has cancelled it.
    Cancelled,
}

impl TaskStatus {
    /// All of them, in the order in which a task goes through them.
    #[rustfmt::skip] // one status a line
    pub const ALL: &[Self] = &[
        Self::Waiting,
        Self::Running,
        Self::Stopped,
        Self::Failed,
        Self::Cancelled,
    ];

    /// Those of a task that isn't executed any more, unless it is put back by hand.
    pub const ENDED: &[Self] = &[Self::Stopped, Self::Failed, Self::Cancelled];

    /// The word that stands for this status in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl FromStr for TaskStatus {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self, Error> {
        let mut all = Self::ALL.iter().copied();
        all.find(|status| status.as_str() == word)
            .ok_or_else(|| Error::UnknownStatus(word.to_owned()))
    }
}

impl fmt::Display for TaskStatus {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
