//! A task engine: it runs, asynchronously, pieces of code called tasks.
//!
//! - A [`Worker`] takes the tasks one after the other, each in four phases.
//! - A [`Store`] keeps the tasks in a SQLite database.
//! - An [`Engine`] runs several workers side by side.

mod context;
mod engine;
mod error;
mod execution;
mod handler;
mod store;
mod task;
mod worker;

pub use context::Context;
pub use engine::{Config, Engine};
pub use error::Error;
pub use execution::{Ending, Execution};
pub use handler::Handler;
pub use store::{Store, Tx};
pub use task::Task;
pub use worker::Worker;
