//! What the commands do.

pub mod cli;
mod create;
mod signals;
mod start;
mod tasks;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Result;
use step06_shutdown::Store;

use crate::program::cli::{Cli, Command};

pub async fn run(cli: Cli) -> ExitCode {
    tracing_subscriber::fmt()
        .with_target(false)
        .with_writer(io::stderr)
        // Losing the log loses the log only: telling it would be one more thing to write.
        .log_internal_errors(false)
        .init();
    match dispatch(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If nobody can read this, there is still the status.
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn dispatch(cli: Cli) -> Result<()> {
    let store = Store::open(cli.database)?;
    match cli.command {
        Command::Start(arguments) => start::start(store, arguments).await,
        Command::Create(arguments) => create::create(&store, arguments).await,
    }
}
