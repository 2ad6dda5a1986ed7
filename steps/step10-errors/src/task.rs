use std::str::FromStr;

use crate::Error;

/// A task that a worker has acquired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its number: tasks are numbered from 1, in the order of their creation.
    pub id: i64,
    /// Which code executes it.
    pub kind: String,
    /// What it works on: a JSON object.
    pub parameters: String,
}

/// A task that is yet to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTask {
    /// Which code will execute it.
    pub kind: String,
    /// What it will work on: a JSON object.
    pub parameters: String,
    /// From when on it may be executed, in milliseconds since the Unix epoch; `None` for at once.
    pub scheduled_at: Option<i64>,
}

/// What the database says of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskRecord {
    /// Its number.
    pub id: i64,
    /// How far it has come.
    pub status: TaskStatus,
    /// Which code executes it.
    pub kind: String,
    /// What it works on: a JSON object.
    pub parameters: String,
    /// The engine that runs it, or has run it.
    pub instance: Option<String>,
    /// From when on it may be executed, in milliseconds since the Unix epoch.
    pub scheduled_at: i64,
    /// When it was created, in milliseconds since the Unix epoch.
    pub created_at: i64,
    /// When its status changed for the last time, in milliseconds since the Unix epoch.
    pub updated_at: i64,
}

/// What the database says of one execution of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskExecution {
    /// Its number.
    pub id: i64,
    /// How it has ended, if it has.
    pub status: ExecutionStatus,
    /// The task.
    pub task_id: i64,
    /// When it began, in milliseconds since the Unix epoch.
    pub started_at: i64,
    /// When it ended; `None` as long as it runs, and for ever if its engine is killed.
    pub stopped_at: Option<i64>,
    /// What the task returned, in JSON.
    pub result: Option<String>,
    /// What went wrong, a JSON object: its `type`, `message`, `causes`, and perhaps `backtrace`.
    pub error: Option<String>,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
