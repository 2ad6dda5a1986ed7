use serde_json::Value;

/// A task that a worker has acquired.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Its number: tasks are numbered from 1, in the order of their creation.
    pub id: i64,
    /// Which code executes it.
    pub kind: String,
    /// What it works on: an object. What isn't JSON in the database is a text here.
    pub parameters: Value,
}

/// A task that is yet to be created.
#[must_use]
#[derive(Debug, Clone, PartialEq)]
pub struct NewTask {
    pub(crate) kind: String,
    pub(crate) parameters: Value,
}

impl NewTask {
    /// Makes a task of a kind that this program may not know, of an object of parameters.
    pub fn new(kind: &str, parameters: Value) -> Self {
        Self {
            kind: kind.to_owned(),
            parameters,
        }
    }
}
