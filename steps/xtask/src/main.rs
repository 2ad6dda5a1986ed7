//! `cargo xtask`: keeps the steps in step.

use std::process::ExitCode;

fn main() -> ExitCode {
    xtask::cli::run()
}
