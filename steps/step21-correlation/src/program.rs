//! What the commands do.

pub mod cli;
mod create;
mod list;
mod output;
mod show;
mod signals;
mod start;
mod tasks;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Result;
use step21_correlation::{Error, Reader, Store};

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
            match error.downcast_ref() {
                Some(Error::StillRunning { .. }) => ExitCode::from(3),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

async fn dispatch(cli: Cli) -> Result<()> {
    let path = &cli.database;
    match cli.command {
        Command::Start(arguments) => start::start(Store::open(path)?, arguments).await,
        Command::Create(arguments) => create::create(&Store::open(path)?, arguments).await,
        Command::List(arguments) => list::list(&Reader::open(path)?, arguments).await,
        Command::Show { id } => show::show(&Reader::open(path)?, id).await,
    }
}
