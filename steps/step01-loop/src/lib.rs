//! A task engine: it runs, asynchronously, pieces of code called tasks.
//!
//! - A [`Worker`] takes the tasks one after the other, each in four phases.

mod context;
mod error;
mod execution;
mod handler;
mod store;
mod task;
mod worker;

pub use context::Context;
pub use error::Error;
pub use execution::{Ending, Execution};
pub use handler::Handler;
pub use store::Store;
pub use task::Task;
pub use worker::Worker;
