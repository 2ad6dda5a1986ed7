use std::fmt::Display;
use std::io;
use std::path::PathBuf;

/// What can go wrong in the engine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The folder of the database can't be opened: most often it doesn't exist.
    #[error("can't open the folder \"{}\" for the database: {source}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The schema can't be brought up to date.
    #[error("can't update the schema of the database \"{}\": {reason}", path.display())]
    Migration {
        /// The file of the database.
        path: PathBuf,
        /// What stands in the way.
        reason: String,
    },
    /// The schema is newer than this program.
    #[error(
        "the database \"{}\" was made by a newer version of this program: use that version",
        path.display()
    )]
    NewerSchema {
        /// The file of the database.
        path: PathBuf,
    },
    /// An engine must have a name.
    #[error("this engine has no name: give it one with TASK_ENGINE_INSTANCE or --instance")]
    NoInstance,
    /// There is no such task.
    #[error("there is no task {id}")]
    NoTask {
        /// The number that no task has.
        id: i64,
    },
    /// Only a running task can be ended.
    #[error("task {id} is not running, so it can't be ended")]
    NotRunning {
        /// The task that was to be ended.
        id: i64,
    },
    /// The database can't be opened.
    #[error("can't open the database \"{}\": {source}", path.display())]
    Open {
        /// The file of the database.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The parameters of a task don't fit its kind.
    #[error("the parameters don't fit a task of kind \"{kind}\": {reason}")]
    Parameters {
        /// The kind of the task.
        kind: String,
        /// Which parameter, and what is wrong.
        reason: String,
    },
    /// The database can be read but not written.
    #[error("the database \"{}\" can't be written: check its permissions", path.display())]
    ReadOnly {
        /// The file of the database.
        path: PathBuf,
    },
    /// What a task returned can't be kept.
    #[error("the result of the task can't be written as JSON: {0}")]
    Result(#[source] serde_json::Error),
    /// Signals can't be handled.
    #[error("can't handle signals: {0}")]
    Signals(#[source] io::Error),
    /// SQLite refused or failed a statement.
    #[error("the database failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// This SQLite has a bug that can corrupt a database in WAL mode.
    #[error("SQLite {found} can corrupt a database in WAL mode: version 3.51.3 at least is needed")]
    SqliteTooOld {
        /// The version of SQLite that this program runs with.
        found: &'static str,
    },
    /// Tasks are marked as running under the name of an engine that is about to start.
    #[error(
        "tasks {tasks:?} are still marked as running under the name \"{instance}\": another engine \
         is using this name, or one was killed. If none is using it, put these tasks back to \
         waiting in the database; or else choose another name"
    )]
    StillRunning {
        /// The name of the engine.
        instance: String,
        /// The tasks.
        tasks: Vec<i64>,
    },
    /// No code is known for this kind of task.
    #[error("unknown kind of task \"{kind}\"; the known kinds are: {}", known.join(", "))]
    UnknownKind {
        /// The kind of the task.
        kind: String,
        /// The kinds that have code.
        known: Vec<String>,
    },
    /// No task can have this status.
    #[error("unknown status \"{0}\"")]
    UnknownStatus(String),
    /// The file system, or the kind of database, doesn't allow WAL mode.
    #[error(
        "the database \"{}\" can't be put in WAL mode, it stays in mode \"{found}\": \
         it must be a file on a local disk",
        path.display()
    )]
    Wal {
        /// The file of the database.
        path: PathBuf,
        /// The journal mode that SQLite chose.
        found: String,
    },
}

impl Error {
    pub(crate) fn parameters(kind: &str, reason: &impl Display) -> Self {
        Self::Parameters {
            kind: kind.to_owned(),
            reason: reason.to_string(),
        }
    }
}
