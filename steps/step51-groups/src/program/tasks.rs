//! The tasks that this program knows.

mod command;
mod failing;
mod group;
mod waiting;

use step51_groups::Registry;

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
