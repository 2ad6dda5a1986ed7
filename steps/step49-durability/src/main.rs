//! The command line of the engine.

mod program;

use std::process::ExitCode;

use clap::Parser;
use tokio::runtime::Runtime;

use crate::program::cli::Cli;

fn main() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    let runtime = Runtime::new()?;
    let status = runtime.block_on(program::run(cli));
    // The end of the process is that of tasks that keep their threads busy.
    runtime.shutdown_background();
    Ok(status)
}
