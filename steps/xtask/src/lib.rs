//! Tools that keep the steps in step.
//!
//! The steps are complete crates, `steps/stepNN-slug`, each its predecessor plus one feature. This
//! library reads them ([`Steps`]), compares them with their crate names normalised
//! ([`Change`]), and carries an edit made in one step to the following ones (`propagate`).

mod budget;
mod change;
mod check;
pub mod cli;
mod diff;
mod diffs;
mod files;
mod git;
mod insert;
mod list;
mod manifest;
mod names;
mod patch;
mod propagate;
mod start;
mod step;
mod steps;

pub use budget::{Budget, Size, counts};
pub use change::{Change, Line, Tag, compare, hunks};
pub use files::Tree;
pub use patch::patch;
pub use step::Step;
pub use steps::Steps;
