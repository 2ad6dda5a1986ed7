//! A task engine: it runs, asynchronously, pieces of code called tasks.
//!
//! - A [`Worker`] takes the tasks one after the other, each in four phases.
//! - A [`Store`] keeps the tasks in a SQLite database, shared by several processes.
//! - An [`Engine`] runs several workers side by side. An [`EngineHandle`] stops it: running tasks
//!   end, no other starts.
//! - An engine has a name, and refuses to start while tasks are marked as running under it.
//! - A task has a kind, for which a [`Registry`] finds the code, and parameters: a
//!   [`TaskHandler`] is both. A [`Handler`] is code that is no type.
//! - Workers sleep when nothing is waiting; a new task, from any process, wakes one.
//! - Executed tasks are kept, and so is what became of each execution.
//! - Looking at tasks never waits, and makes nobody wait.
//! - A task can be scheduled: it is not executed before its time.
//! - A [`TaskError`], or a panic, is kept with the execution, and harms no other task.
//! - It tells where it comes from.
//! - A task that has failed is executed again as its [`RetryPolicy`] says.

mod alarm;
mod clock;
mod context;
mod engine;
mod error;
mod execution;
mod handle;
mod handler;
mod record;
mod registry;
mod retry;
mod store;
mod task;
mod task_error;
mod trace;
mod wake_up;
mod watcher;
mod worker;

pub use clock::Clock;
pub use context::Context;
pub use engine::{Config, Engine};
pub use error::Error;
pub use execution::{Ending, Execution};
pub use handle::EngineHandle;
pub use handler::{Handler, Outcome, TaskHandler};
pub use record::{Filter, TaskExecution, TaskRecord};
pub use registry::Registry;
pub use retry::{Next, RetryPolicy};
pub use store::{Reader, Selection, Store, Tx};
pub use task::{Acquired, IntoNewTask, NewTask, Task, TaskStatus};
pub use task_error::TaskError;
pub use worker::Worker;
