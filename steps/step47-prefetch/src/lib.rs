//! A task engine: it runs, asynchronously, pieces of code called tasks.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use step47_prefetch::{Config, Context, Engine, Registry, Store, TaskError, TaskHandler};
//!
//! struct Greetings(String);
//!
//! #[derive(Serialize, Deserialize)]
//! struct Greeting {
//!     name: String,
//! }
//!
//! impl TaskHandler for Greeting {
//!     const KIND: &'static str = "greeting";
//!     type Output = String;
//!
//!     async fn execute(self, context: &Context) -> Result<String, TaskError> {
//!         let Greetings(word) = context.state();
//!         Ok(format!("{word}, {}", self.name))
//!     }
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), step47_prefetch::Error> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("greetings.db");
//! let store = Store::open(path)?;
//! let id = store.create(&Greeting { name: "Ada".into() }).await?;
//!
//! let registry = Registry::default().with::<Greeting>().with_state(Greetings("Hello".into()));
//! let config = Config { instance: "greeter".into(), ..Config::default() };
//! let engine = Engine::new(store.clone(), registry, config).start().await?;
//! engine.drain().await?;
//!
//! let (_, executions) = store.reader().find_task(id).await?;
//! assert_eq!(executions[0].result, Some("Hello, Ada".into()));
//! # Ok(())
//! # }
//! ```
//!
//! A server keeps its [`RunningEngine`], and awaits [`RunningEngine::shutdown`] when it stops. A
//! task is executed at least once: twice, if its engine was killed in between.
//!
//! Any program, with any driver of SQLite, creates a task with this statement, where the times are
//! milliseconds since 1970, and the kind and the parameters are texts:
//!
//! ```sql
//! INSERT INTO tasks (task_kind, task_parameters, scheduled_at, created_at, updated_at)
//! VALUES (:kind, :parameters, :scheduled_at, :now, :now)
//! ```
//!
//! With a text as `unique_key`, too, it fails while another task of the same kind has this key, and
//! waits or runs; with `ON CONFLICT DO NOTHING`, it does nothing then. It looks at no bound.
//! A text as `concurrency_key` is what [`Store::limit_keys`] counts by.
//!
//! - A [`Worker`] takes the tasks one after the other, each in four phases.
//! - A [`Store`] keeps the tasks in a SQLite database, shared by several processes.
//! - An [`Engine`] runs several workers side by side. An [`EngineHandle`] stops it: running tasks
//!   end, no other starts.
//! - An engine has a name, for those who look at its tasks; several may have the same.
//! - Each start of an engine is noted, and has a number, which its running tasks carry.
//! - As long as it is alive, it says so; the others take over the tasks of one that is dead.
//! - One that can't say so cuts its tasks short before, and starts again under another number.
//! - A task has a kind, for which a [`Registry`] finds the code, and parameters: a
//!   [`TaskHandler`] is both. A [`Handler`] is code that is no type.
//! - Workers sleep when nothing is waiting; a new task, from any process, wakes one.
//! - Executed tasks are kept, and so is what became of each execution.
//! - Looking at tasks never waits, and makes nobody wait.
//! - A task can be scheduled: it is not executed before its time.
//! - A [`TaskError`], or a panic, is kept with the execution, and harms no other task.
//! - It tells where it comes from.
//! - A task that has failed is executed again as its [`RetryPolicy`] says.
//! - A task and those that it creates have one correlation id, which is in all that they log.
//! - A task has a [`Priority`]; none waits for ever behind those of a higher one.
//! - Hooks run around the executions: they see them, refuse them, measure them.
//! - An execution that takes too long is asked to stop, then cut short.
//! - So is one that a stop can't wait for: its task is put back, as if it hadn't run.
//! - Tasks can be cancelled: those that wait aren't executed, those that run are asked to stop.
//! - A kind can be paused: none of its tasks starts, on any engine, until it is resumed.
//! - While a task waits or runs, no other of its kind has its unique key.
//! - A kind can be bounded: when so many of its tasks wait, who creates one is refused, or waits.
//! - A kind can be limited: no more of its tasks run at once, on all engines together.
//! - It can be limited for each key, too: a tenant with many tasks doesn't hold up the others.
//! - A kind can have a [`Rate`]: its tasks start no faster, on all engines together.
//! - A [`Schedule`] has a task created at each of its ticks, by whichever engine comes first.
//! - Ticks that were [`Missed`] are made up for or not; one whose task would overlap that of another is
//!   skipped.
//! - It can be paused: the ticks that come meanwhile are none, on any engine, and aren't made up for.
//! - Tasks that have ended are deleted after a while, as [`Retention`] says.
//! - The last thousand starts of engines are remembered; a write-ahead log that gets long, because of
//!   those that read, is told.
//! - Transactions that wait together are committed together.
//! - Those of the store share a transaction without a savepoint: they can be done again.
//! - A worker ends its task and takes the next one in the same transaction.
//! - Short tasks are acquired by the hundred, a little ahead, as [`Config::ahead`] says.

mod alarm;
mod batch;
mod cancellation;
mod clock;
mod context;
mod engine;
mod error;
mod execution;
mod handle;
mod handler;
mod heartbeat;
mod hook;
mod housekeeping;
mod interruption;
mod priority;
mod rate;
mod record;
mod recovery;
mod registry;
mod retention;
mod retry;
mod running;
mod schedule;
mod store;
mod task;
mod task_error;
mod trace;
mod turns;
mod unique;
mod wake_up;
mod watcher;
mod worker;

pub use cancellation::{Cancelled, Which};
pub use clock::Clock;
pub use context::Context;
pub use engine::{Config, Engine};
pub use error::Error;
pub use execution::{Ending, Execution};
pub use handle::EngineHandle;
pub use handler::{Handler, Outcome, TaskHandler};
pub use hook::{KindMeasures, Measures, Rest, report_failures};
pub use priority::Priority;
pub use rate::Rate;
pub use record::{
    EngineRecord, Filter, KindRecord, ScheduleRecord, TaskExecution, TaskRecord, TracedTask,
};
pub use registry::Registry;
pub use retention::Retention;
pub use retry::{Next, RetryPolicy};
pub use running::RunningEngine;
pub use schedule::{Missed, Schedule};
pub use store::{Reader, Selection, Store, Tx};
pub use task::{Acquired, IntoNewTask, NewTask, Task, TaskStatus};
pub use task_error::TaskError;
pub use unique::{Created, IfExists};
pub use worker::Worker;
