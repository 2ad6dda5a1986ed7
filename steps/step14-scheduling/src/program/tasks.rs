//! The tasks that this program knows.

mod waiting;

use step14_scheduling::Registry;

use self::waiting::WaitingTask;

pub fn registry() -> Registry {
    Registry::default()
        // in alphabetical order
        .with::<WaitingTask>()
}
