//! The tasks that this program knows.

mod failing;
mod waiting;

use step44_throughput::Registry;

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
