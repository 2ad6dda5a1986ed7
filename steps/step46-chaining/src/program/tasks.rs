//! The tasks that this program knows.

mod failing;
mod waiting;

use step46_chaining::Registry;

use self::failing::{FailingNotRetryErrorTask, FailingNotRetryTask, FailingTask};
use self::waiting::WaitingTask;

pub fn registry() -> Registry {
    Registry::default()
        // in alphabetical order
        .with::<FailingTask>()
        .with::<FailingNotRetryErrorTask>()
        .with::<FailingNotRetryTask>()
        .with::<WaitingTask>()
}
