//! A task engine: it runs, asynchronously, pieces of code called tasks.
//!
//! - A [`Worker`] takes the tasks one after the other, each in four phases.
//! - A [`Store`] keeps the tasks in a SQLite database, shared by several processes.
//! - An [`Engine`] runs several workers side by side. An [`EngineHandle`] stops it: running tasks
//!   end, no other starts.
//! - An engine has a name, and refuses to start while tasks are marked as running under it.

mod context;
mod engine;
mod error;
mod execution;
mod handle;
mod handler;
mod store;
mod task;
mod worker;

pub use context::Context;
pub use engine::{Config, Engine};
pub use error::Error;
pub use execution::{Ending, Execution};
pub use handle::EngineHandle;
pub use handler::Handler;
pub use store::{Selection, Store, Tx};
pub use task::Task;
pub use worker::Worker;
