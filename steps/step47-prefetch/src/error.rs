use std::error::Error as StdError;
use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;
use std::{io, iter};

use jiff::Timestamp;
use rusqlite::ErrorCode;

/// What can go wrong in the engine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A task that has ended can't be cancelled.
    #[error("task {0} has ended")]
    Ended(i64),
    /// The path of a database, or its folder, is no such thing.
    #[error("there is no such place")]
    File(#[from] io::Error),
    /// The file has a table with the name of ours, and none that tells its version.
    #[error("it has a table \"tasks\" of another program: use another file")]
    ForeignTable,
    /// A task that has ended can't be put back: another one has its unique key meanwhile.
    #[error("task {id} can't wait again: task {twin} has the same unique key, and waits or runs")]
    KeyTaken {
        /// The number of the task.
        id: i64,
        /// The number of the other one.
        twin: i64,
    },
    /// As many tasks of this kind wait as may.
    #[error(
        "no room for a task of kind \"{kind}\": {waiting} wait{}; try again later, or wait for room",
        oldest_since.map(|oldest| format!(", the first since {oldest:.0}")).unwrap_or_default()
    )]
    Full {
        /// The kind.
        kind: String,
        /// How many wait, or more: counting stops there.
        waiting: u32,
        /// Since when the first of them is due, or from when on, if it is for later.
        oldest_since: Option<Timestamp>,
    },
    /// A database without a file.
    #[error("nothing would be kept: give the path of a file")]
    InMemory,
    /// The write-ahead log would get longer still.
    #[error(
        "the write-ahead log takes {0} bytes, and can't be used again as long as somebody reads what \
         was there before"
    )]
    LongLog(u64),
    /// The schema is newer than this program.
    #[error("it was made by a newer version of this program: use that version")]
    NewerSchema,
    /// An engine must have a name.
    #[error("this engine has no name: set TASK_ENGINE_INSTANCE, or give --instance")]
    NoInstance,
    /// There is no schedule of this name.
    #[error("there is no schedule \"{0}\"")]
    NoSchedule(String),
    /// There is no such task.
    #[error("there is no task {0}")]
    NoTask(i64),
    /// The schema is older than this program, and is only to be read.
    #[error("an earlier version of this program has made it: `start` or `create` upgrade it")]
    OlderSchema,
    /// The database can't be opened.
    #[error("can't open the database \"{}\"", path.display())]
    Open {
        /// The file of the database.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<Error>,
    },
    /// The parameters of a task don't fit its kind.
    #[error("the parameters don't fit a task of kind \"{kind}\": {reason}")]
    Parameters {
        /// The kind of the task.
        kind: String,
        /// Which parameter, and what is wrong.
        reason: String,
    },
    /// A rate that no clock of milliseconds can keep, or that nobody will see kept.
    #[error(
        "{starts} starts in {period:?} can't be kept: the shortest period is a millisecond a start, \
         the longest a hundred years"
    )]
    Rate {
        /// How many starts.
        starts: NonZero<u32>,
        /// In how long a time.
        period: Duration,
    },
    /// The database can be read but not written.
    #[error("it can't be written: check the permissions of the file and of its folder")]
    ReadOnly,
    /// The file of the database isn't the one that was opened.
    #[error(
        "the file \"{}\" was removed or replaced while it was in use: what has been written since \
         is lost with the file that was opened",
        path.display()
    )]
    Replaced {
        /// The file of the database.
        path: PathBuf,
    },
    /// What a task returned isn't JSON.
    #[error("the result of the task can't be written as JSON")]
    Result(#[source] serde_json::Error),
    /// The ticks of the schedule of this name can't be told.
    #[error("there is no telling the ticks of schedule \"{0}\"")]
    Schedule(String, #[source] Box<dyn StdError + Send + Sync>),
    /// The database doesn't work as the engine relies on.
    #[error("its setting \"{name}\" stays \"{found}\": is it a file on a local disk?")]
    Setting {
        /// The PRAGMA that sets it.
        name: &'static str,
        /// What it says.
        found: String,
    },
    /// Transactions that wait together are committed together, or not: ask again.
    #[error("it was rolled back, by a statement in it or with what was to be committed with it")]
    RolledBack,
    /// A task that runs can't be put back by its number.
    #[error("task {0} is running: if its engine was killed, it will be put back by itself")]
    Running(i64),
    /// SQLite refused or failed what it was asked for.
    #[error("the database failed")]
    Sqlite(#[from] rusqlite::Error),
    /// Tasks are marked as running under the name of an engine that is about to start.
    #[error(
        "tasks {tasks:?} are still marked as running under the name \"{instance}\": another \
         engine is using this name, or one was killed. If none is using it, put these tasks back \
         with `retry --stranded {}`; or else choose another name",
        quoted(instance)
    )]
    StillRunning {
        /// The name of the engine.
        instance: String,
        /// The tasks.
        tasks: Vec<i64>,
    },
    /// The program is linked to a SQLite that can't do all that the engine asks for.
    #[error("this program has SQLite {0}, and needs 3.53.0 or a later one")]
    SqliteTooOld(&'static str),
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
    /// A word stands for no priority.
    #[error("unknown priority {0:?}")]
    UnknownPriority(String),
}

impl Error {
    /// What it says, and why, on one line.
    pub(crate) fn with_causes(&self) -> String {
        let causes = iter::successors(Some(self as &dyn StdError), |&error| error.source());
        let texts: Vec<_> = causes.map(ToString::to_string).collect();
        texts.join(": ")
    }

    /// Whether SQLite works, and doesn't want this value.
    pub(crate) fn is_refusal(&self) -> bool {
        let Self::Sqlite(error) = self else {
            return false;
        };
        let code = error.sqlite_error_code();
        matches!(
            code,
            Some(ErrorCode::ConstraintViolation | ErrorCode::TooBig)
        )
    }
}

/// As a shell reads it.
fn quoted(name: &str) -> String {
    format!("'{}'", name.replace('\'', r"'\''"))
}
