//! The command line of the engine.

mod program;

use std::process::ExitCode;

use clap::Parser;

use crate::program::cli::Cli;

#[tokio::main]
async fn main() -> ExitCode {
    program::run(Cli::parse()).await
}
