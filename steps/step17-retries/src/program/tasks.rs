//! The tasks that this program knows.

mod failing;
mod waiting;

use step17_retries::Registry;

use self::failing::FailingTask;
use self::waiting::WaitingTask;

pub fn registry() -> Registry {
    Registry::default()
        // in alphabetical order
        .with::<FailingTask>()
        .with::<WaitingTask>()
}
