//! A task engine: it runs, asynchronously, pieces of code called tasks.
//!
//! - A [`Worker`] takes the tasks one after the other, each in four phases.
//! - An [`Engine`] runs several workers side by side.
//! - A [`Store`] keeps the tasks in a SQLite database, shared by several processes.
//! - An [`EngineHandle`] stops the engine: running tasks end, no other starts.
//! - An engine has a name, and refuses to start while tasks are marked as running under it.
//! - A task has a kind, for which a [`Registry`] finds the code, and parameters: a
//!   [`TaskHandler`] is both.
//! - Workers sleep when nothing is waiting; a new task, from any process, wakes one.
//! - Executed tasks are kept, and so is what became of each [`TaskExecution`].
//! - A task can be scheduled: it is not executed before its time.
//! - A [`TaskError`], or a panic, is kept with the execution, and the task is executed again as
//!   the [`RetryPolicy`] says.

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

pub use clock::Clock;
pub use engine::{Config, Engine};
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
