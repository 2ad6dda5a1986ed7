//! The tasks that this program knows.

mod waiting;

use step13_listing::Registry;

use self::waiting::WaitingTask;

pub fn registry() -> Registry {
    Registry::default()
        // in alphabetical order
        .with::<WaitingTask>()
}
