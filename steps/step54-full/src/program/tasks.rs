//! The tasks that this program knows.

mod command;
mod failing;
mod group;
mod waiting;

use task_engine::Registry;

use self::command::CommandTask;
use self::failing::{FailingNotRetryErrorTask, FailingNotRetryTask, FailingTask};
use self::waiting::WaitingTask;

pub fn registry() -> Registry {
    Registry::default()
        // in alphabetical order
        .with::<CommandTask>()
        .with::<FailingTask>()
        .with::<FailingNotRetryErrorTask>()
        .with::<FailingNotRetryTask>()
        .with::<WaitingTask>()
}

/// What a task of this kind does, and its parameters.
pub fn describe(kind: &str) -> &'static str {
    match kind {
        "command" => "launches a program: program, arguments, directory, environment",
        "failing" => "divides by zero and panics, or by: divisor",
        "failing_not_retry" => "does the same, and is never retried",
        "failing_not_retry_error" => "divides by zero without a panic, and isn't retried",
        "waiting" => "waits, in seconds: waiting_time",
        _ => "unknown to this program: its tasks are left waiting",
    }
}
