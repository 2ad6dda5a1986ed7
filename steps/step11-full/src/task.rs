use std::str::FromStr;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::Error;

/// A task that a worker has acquired.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its number: tasks are numbered from 1, in the order of their creation.
    pub id: i64,
    /// Which code executes it.
    pub kind: String,
    /// What it works on: a JSON object.
    pub parameters: String,
}

/// A task that is yet to be created: [`NewTask::of`] makes one, and so do [`NewTask::new`] and
/// [`Registry::new_task`](crate::Registry::new_task).
#[must_use]
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTask {
    /// Which code will execute it.
    pub kind: String,
    /// What it will work on: a JSON object.
    pub parameters: String,
    /// From when on it may be executed; `None` for at once.
    pub scheduled_at: Option<Timestamp>,
}

impl NewTask {
    /// Makes a task of a kind that this program may not know, of an object of parameters.
    pub fn new(kind: &str, parameters: &Value) -> Self {
        Self {
            kind: kind.to_owned(),
            parameters: parameters.to_string(),
            scheduled_at: None,
        }
    }

    /// The same task, to be executed from this time on.
    pub fn at(mut self, time: Timestamp) -> Self {
        self.scheduled_at = Some(time);
        self
    }
}

/// What the database says of a task.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaskRecord {
    /// Its number.
    pub id: i64,
    /// How far it has come.
    pub status: TaskStatus,
    /// Which code executes it.
    pub kind: String,
    /// What it works on: an object.
    pub parameters: Value,
    /// The engine that runs it, or has run it.
    pub instance: Option<String>,
    /// How many times it was retried.
    pub retries: u32,
    /// From when on it may be executed.
    pub scheduled_at: Timestamp,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its status changed for the last time.
    pub updated_at: Timestamp,
}

/// What the database says of one execution of a task.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaskExecution {
    /// Its number.
    pub id: i64,
    /// How it has ended, if it has.
    pub status: ExecutionStatus,
    /// The task.
    pub task_id: i64,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; `None` as long as it runs, and for ever if its engine is killed.
    pub stopped_at: Option<Timestamp>,
    /// What the task returned.
    pub result: Option<Value>,
    /// What went wrong: an object with `type`, `message`, `causes`, and perhaps `backtrace`.
    pub error: Option<Value>,
}

/// How far a task has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskStatus {
    /// No worker has acquired it yet.
    Waiting,
    /// A worker has acquired it and hasn't ended it.
    Running,
    /// It has been executed.
    Stopped,
    /// It has failed, and isn't to be executed again.
    Failed,
}

impl TaskStatus {
    /// All of them, in the order in which a task goes through them.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Running, Self::Stopped, Self::Failed];

    /// The word that stands for this status in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        }
    }
}

impl FromStr for TaskStatus {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == word)
            .ok_or_else(|| Error::UnknownStatus(word.to_owned()))
    }
}

/// How an execution has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ExecutionStatus {
    /// It hasn't; if its engine was killed, it never will.
    Running,
    /// The task has returned a result.
    Success,
    /// The task has returned an error, or panicked.
    Failure,
}

impl ExecutionStatus {
    const ALL: [Self; 3] = [Self::Running, Self::Success, Self::Failure];

    /// The word that stands for this status in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }
}

impl FromStr for ExecutionStatus {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == word)
            .ok_or_else(|| Error::UnknownStatus(word.to_owned()))
    }
}
