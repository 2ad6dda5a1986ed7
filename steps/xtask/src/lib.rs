//! Tools that keep the steps in step.
//!
//! The steps are complete crates, `steps/stepNN-slug`, each its predecessor plus one feature. This
//! library reads them ([`Steps`]), compares them with their crate names normalised
//! ([`Change`]), and carries an edit made in one step to the following ones (`propagate`).

mod change;
mod error;
mod files;
mod manifest;
mod names;
mod step;
mod steps;

pub use change::{Change, compare};
pub use error::Error;
pub use files::Tree;
pub use step::Step;
pub use steps::Steps;
