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
}

/// How far a task has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskStatus {
    /// No worker has acquired it yet.
    Waiting,
    /// A worker has acquired it and hasn't ended it.
    Running,
}

impl TaskStatus {
    /// The word that stands for this status in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
        }
    }
}
