//! A task engine: it runs, asynchronously, pieces of code called tasks, which it keeps in a SQLite
//! database until they are executed, and tells what became of each.
//!
//! # From nothing to a running task
//!
//! ```sh
//! cargo add --path steps/step11-full          # this library, where its sources are
//! cargo add serde --features derive
//! cargo add tokio --features macros,rt-multi-thread
//! ```
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use task_engine::{Engine, Store, Task, TaskError, TaskHandler};
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
//!     async fn execute(self, _task: &Task) -> Result<String, TaskError> {
//!         Ok(format!("Good morning, {}", self.name))
//!     }
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), task_engine::Error> {
//! #   let folder = tempfile::tempdir().unwrap();
//! #   std::env::set_current_dir(folder.path()).unwrap();
//!     let store = Store::open("greetings.db")?;
//!     let name = "Ada".to_owned();
//!     let id = store.create_task(&Greeting { name }).await?;
//!
//!     let engine = Engine::builder(store.clone()).handler::<Greeting>();
//!     engine.start().await?.drain().await?;
//!
//!     let (task, executions) = store.find_task(id).await?;
//!     println!("task {id} is {}: {:?}", task.status.as_str(), executions[0].result);
//! #   assert_eq!(executions[0].result, Some("Good morning, Ada".into()));
//!     Ok(())
//! }
//! ```
//!
//! A server doesn't drain its tasks: it keeps the [`RunningEngine`], and awaits its
//! [`shutdown`](RunningEngine::shutdown), or lets [`stop_on_signals`] do it.
//!
//! # What there is
//!
//! - A [`Store`] keeps the tasks in a SQLite database, shared by several processes.
//! - An [`Engine`] executes them, several side by side, each by a [`Worker`]. A [`RunningEngine`]
//!   stops it: running tasks end, no other starts. So does an [`EngineHandle`], from anywhere.
//! - An engine has a name, and refuses to start while tasks are marked as running under it.
//! - A task has a kind, for which a [`Registry`] finds the code, and parameters: a
//!   [`TaskHandler`] is both. A [`Handler`] is code that is no type, or that shares something.
//! - Workers sleep when nothing is waiting; a new task, from any process, wakes one.
//! - Executed tasks are kept, and so is what became of each [`TaskExecution`].
//! - A task can be scheduled: it is not executed before its time.
//! - A [`TaskError`], or a panic, is kept with the execution, and the task is executed again as
//!   the [`RetryPolicy`] says.
//!
//! A task is executed at least once: it may be twice, if its engine was killed and someone has put
//! the task back with [`Store::retry_stranded_tasks`].
//!
//! # The types of others
//!
//! [`serde_json::Value`], [`jiff::Timestamp`] and [`rusqlite::Transaction`], with their errors, are
//! part of this interface: the crates are exported here, so that you use the same versions.

mod clock;
mod engine;
mod error;
mod handle;
mod handler;
mod registry;
mod retry;
mod shutdown;
mod store;
mod task;
mod task_error;
mod wake_up;
mod worker;

pub use {jiff, rusqlite, serde_json};

pub use clock::Clock;
pub use engine::{Config, Engine, EngineBuilder, RunningEngine};
pub use error::Error;
pub use handle::{EngineHandle, EngineStatus};
pub use handler::{Handler, Outcome, TaskHandler};
pub use registry::Registry;
pub use retry::RetryPolicy;
pub use shutdown::stop_on_signals;
pub use store::Store;
pub use task::{ExecutionStatus, NewTask, Task, TaskExecution, TaskRecord, TaskStatus};
pub use task_error::TaskError;
pub use worker::Worker;
