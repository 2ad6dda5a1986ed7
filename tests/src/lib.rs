//! What the steps promise, checked from outside: on the command line, the exit status, the log,
//! the signals and the database of their programs.
//!
//! A [`Check`] holds from one step on. That it fails on the step before shows that it can fail,
//! and that the step is what makes it pass.

mod checks;
mod event;
mod matrix;
mod program;
mod sandbox;
mod transitions;

pub use checks::{CHECKS, Check};
pub use event::Event;
pub use matrix::{Observation, observe, observe_all, to_json};
pub use program::{Finished, Program};
pub use sandbox::{Load, Sandbox};
pub use transitions::{Transition, transitions};
