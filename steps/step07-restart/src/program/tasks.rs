//! The tasks that this program knows.

mod waiting;

pub use waiting::waiting_task;
