//! The tasks that this program knows.

mod waiting;

use step08_kinds::Registry;

pub fn registry() -> Registry {
    Registry::default()
        // in alphabetical order
        .with_handler("waiting", waiting::handler())
}
