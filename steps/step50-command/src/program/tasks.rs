//! The tasks that this program knows.

mod command;
mod failing;
mod waiting;

use step50_command::Registry;

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
