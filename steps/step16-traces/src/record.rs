use jiff::Timestamp;
use serde_json::Value;

use crate::TaskStatus;

/// What the database says of a task.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq)]
pub struct TaskRecord {
    /// Its number.
    pub id: i64,
    /// How far it has come: `waiting`, `running`, `stopped` or `failed`.
    pub status: String,
    /// Which code executes it.
    pub kind: String,
    /// What it works on: an object.
    pub parameters: Value,
    /// The engine that runs it, or has run it.
    pub instance: Option<String>,
    /// From when on it may be executed.
    pub scheduled_at: Timestamp,
    /// When it was created.
    pub created_at: Timestamp,
}

/// What the database says of one execution of a task.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq)]
pub struct TaskExecution {
    /// Its number.
    pub id: i64,
    /// How it has ended, if it has: `running`, `success` or `failure`.
    pub status: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; `None` as long as it runs, and for ever if its engine is killed.
    pub stopped_at: Option<Timestamp>,
    /// What the task returned.
    pub result: Option<Value>,
    /// What went wrong: [`TaskError::report`](crate::TaskError::report).
    pub error: Option<Value>,
}

/// Which tasks are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// All of them.
    All,
    /// Those that have this status.
    Status(TaskStatus),
}
