//! The command line of the engine.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand, value_parser};
use step05_restart::{Config, Engine, Error, Handler, Store, stop_on_signals};
use tracing::info;

/// The exit status of an engine that finds tasks marked as running under its name.
const STILL_RUNNING: u8 = 3;

/// A task engine.
#[derive(Parser)]
#[command(version)]
struct Cli {
    /// The file of the database.
    #[arg(
        long,
        global = true,
        env = "TASK_ENGINE_DATABASE",
        default_value = "task_engine.db"
    )]
    database: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Creates tasks.
    CreateTasks {
        /// How many tasks to create.
        #[arg(long, default_value_t = 100)]
        count: u32,
    },
    /// Runs tasks until none is left, or until Ctrl+C.
    StartEngine {
        /// The name of this engine, which no other engine uses.
        #[arg(
            long,
            env = "TASK_ENGINE_INSTANCE",
            default_value = "",
            hide_default_value = true
        )]
        instance: String,
        /// How many tasks to run at once.
        #[arg(
            long,
            default_value_t = Config::default().workers,
            value_parser = value_parser!(u16).range(1..)
        )]
        workers: u16,
        /// How long each task waits, in seconds.
        #[arg(long, default_value = "5", value_parser = seconds)]
        waiting_time: Duration,
    },
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map_err(|_| "not a number of seconds")?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_target(false)
        .with_writer(io::stderr)
        .init();
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            match error {
                Error::StillRunning { .. } => ExitCode::from(STILL_RUNNING),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

async fn run(cli: Cli) -> Result<(), Error> {
    let store = Store::open(&cli.database)?;
    match cli.command {
        Command::CreateTasks { count } => {
            for _ in 0..count {
                store.create_task().await?;
            }
            println!("{count} tasks created");
            Ok(())
        }
        Command::StartEngine {
            instance,
            workers,
            waiting_time,
        } => {
            let config = Config { workers };
            let engine = Engine::new(&instance, store, waiting_task(waiting_time), config);
            stop_on_signals(engine.handle())?;
            engine.run().await
        }
    }
}

/// Does nothing but wait, as a task does that calls a remote service.
fn waiting_task(waiting_time: Duration) -> Handler {
    Handler::new(move |task| async move {
        info!(task = task.id, "task is waiting");
        tokio::time::sleep(waiting_time).await;
    })
}
