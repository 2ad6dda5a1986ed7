//! A task engine: it runs, asynchronously, pieces of code called tasks.
//!
//! - A [`Worker`] takes the tasks one after the other, each in four phases.

mod error;
mod handler;
mod store;
mod task;
mod worker;

pub use error::Error;
pub use handler::Handler;
pub use store::Store;
pub use task::{Task, TaskStatus};
pub use worker::Worker;
