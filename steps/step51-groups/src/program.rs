//! What the commands do.

mod bound;
mod cancel;
pub mod cli;
mod create;
mod engines;
mod kinds;
mod limit;
mod list;
mod output;
mod pause;
mod prune;
mod rate;
mod retry;
mod schedule;
mod show;
mod signals;
mod start;
mod tasks;
mod trace;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Result;
use step51_groups::{Error, Rate, Reader, Store, StoreOptions};

use crate::program::cli::{Cli, Command, Durability};

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
                Some(Error::Full { .. }) => ExitCode::from(5),
                None if error.is::<retry::Unconfirmed>() => ExitCode::from(4),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

async fn dispatch(cli: Cli) -> Result<()> {
    let path = &cli.database;
    let open = |durability: &Durability| {
        let options = StoreOptions {
            synchronous: durability.synchronous,
            ..StoreOptions::default()
        };
        Store::open_with(path, options)
    };
    match cli.command {
        Command::Start(arguments) => start::start(open(&arguments.durability)?, arguments).await,
        Command::Create(arguments) => {
            create::create(&open(&arguments.durability)?, arguments).await
        }
        Command::Retry(arguments) => retry::retry(&Store::open_existing(path)?, arguments).await,
        Command::Cancel(arguments) => cancel::cancel(&Store::open_existing(path)?, arguments).await,
        Command::Pause { kinds } => pause::pause(&Store::open_existing(path)?, &kinds).await,
        Command::Resume { kinds } => pause::resume(&Store::open_existing(path)?, &kinds).await,
        Command::Bound { kind, max_waiting } => {
            bound::bound(&Store::open_existing(path)?, &kind, max_waiting).await
        }
        Command::Unbound { kind } => bound::unbound(&Store::open_existing(path)?, &kind).await,
        Command::Limit {
            kind,
            max_running,
            per_key,
        } => limit::limit(&Store::open_existing(path)?, &kind, max_running, per_key).await,
        Command::Unlimit { kind, per_key } => {
            limit::unlimit(&Store::open_existing(path)?, &kind, per_key).await
        }
        Command::Rate {
            kind,
            starts,
            period,
        } => rate::rate(&Store::open_existing(path)?, &kind, Rate { starts, period }).await,
        Command::Unrate { kind } => rate::unrate(&Store::open_existing(path)?, &kind).await,
        Command::Schedule(command) => schedule::run(path, command).await,
        Command::Prune(arguments) => prune::prune(path, arguments).await,
        Command::Kinds { json } => kinds::kinds(path, json).await,
        Command::Engines { limit } => engines::engines(&Reader::open(path)?, limit).await,
        Command::List(arguments) => list::list(&Reader::open(path)?, arguments).await,
        Command::Trace { what, json } => trace::trace(&Reader::open(path)?, &what, json).await,
        Command::Show { id } => show::show(&Reader::open(path)?, id).await,
    }
}
