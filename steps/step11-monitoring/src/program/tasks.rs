//! The tasks that this program knows.

mod waiting;

use step11_monitoring::Registry;

use self::waiting::WaitingTask;

pub fn registry() -> Registry {
    Registry::default()
        // in alphabetical order
        .with::<WaitingTask>()
}
