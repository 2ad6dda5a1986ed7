//! The command line of the engine.

mod failing;
mod show;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, TryFromFloatSecsError};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Parser, Subcommand, value_parser};
use jiff::{Span, SpanRelativeTo, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use step10_errors::{
    Clock, Config, Engine, Error, Registry, Store, Task, TaskError, TaskHandler, TaskStatus,
    stop_on_signals,
};
use tracing::info;

use crate::failing::{FailingNotRetryErrorTask, FailingNotRetryTask, FailingTask};

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
    /// Creates tasks that wait.
    CreateTasks {
        /// How many tasks to create.
        #[arg(long, default_value_t = 100)]
        count: u32,
        /// How long each task waits, in seconds.
        #[arg(long, default_value = "5", value_parser = seconds)]
        waiting_time: Seconds,
    },
    /// Creates a task of any kind.
    CreateTask {
        /// Its kind.
        kind: String,
        /// Its parameters, a JSON object; `-` reads them from the standard input.
        #[arg(default_value = "{}", value_parser = text_or_input)]
        parameters: String,
        /// When to execute it, at the earliest: 2030-01-01T00:00:00Z. At once, by default.
        #[arg(long, value_name = "DATE", value_parser = date)]
        at: Option<i64>,
        /// How long to wait before executing it: 30s, 1h 30m, 2 days.
        #[arg(long = "in", value_name = "DURATION", value_parser = from_now, conflicts_with = "at")]
        delay: Option<i64>,
    },
    /// Shows a task and its executions.
    ShowTask {
        /// Its number.
        id: i64,
    },
    /// Lists the last tasks created, the newest first.
    ListTasks {
        /// Only those that have this status.
        #[arg(long, value_parser = task_status())]
        status: Option<TaskStatus>,
        /// How many at most.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Runs tasks until Ctrl+C.
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
    },
}

fn text_or_input(text: &str) -> io::Result<String> {
    match text {
        "-" => io::read_to_string(io::stdin()),
        _ => Ok(text.to_owned()),
    }
}

/// The database keeps milliseconds since the Unix epoch.
fn date(text: &str) -> Result<i64, &'static str> {
    let date = text.parse().map(Timestamp::as_millisecond);
    date.map_err(|_| "not a date such as 2030-01-01T00:00:00Z")
}

fn from_now(text: &str) -> Result<i64, &'static str> {
    let duration = text
        .parse()
        .and_then(|span: Span| span.to_duration(SpanRelativeTo::days_are_24_hours()))
        .map_err(|_| "not a duration such as 30s, 1h 30m or 2 days")?;
    let date = Timestamp::from_millisecond(Clock::System.now())
        .and_then(|now| now.checked_add(duration))
        .map_err(|_| "too far away")?;
    Ok(date.as_millisecond())
}

fn task_status() -> impl TypedValueParser<Value = TaskStatus> {
    PossibleValuesParser::new(TaskStatus::ALL.map(TaskStatus::as_str))
        .try_map(|word| word.parse::<TaskStatus>())
}

fn seconds(text: &str) -> Result<Seconds, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds")?;
    seconds.try_into().map_err(|error| format!("{error}"))
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
    let registry = Registry::default()
        .with::<WaitingTask>()
        .with::<FailingTask>()
        .with::<FailingNotRetryTask>()
        .with::<FailingNotRetryErrorTask>();
    match cli.command {
        Command::CreateTasks {
            count,
            waiting_time,
        } => {
            for _ in 0..count {
                store.create_task(&WaitingTask { waiting_time }).await?;
            }
            println!("{count} tasks created");
            Ok(())
        }
        Command::CreateTask {
            kind,
            parameters,
            at,
            delay,
        } => {
            let mut task = registry.new_task(&kind, &parameters)?;
            task.scheduled_at = at.or(delay);
            let id = store.create_new_task(task).await?;
            println!("task {id} created");
            Ok(())
        }
        Command::ShowTask { id } => {
            let (task, executions) = store.find_task(id).await?;
            show::task(&task, &executions);
            Ok(())
        }
        Command::ListTasks { status, limit } => {
            show::tasks(&store.list_tasks(status, limit).await?);
            Ok(())
        }
        Command::StartEngine { instance, workers } => {
            let config = Config {
                workers,
                ..Config::default()
            };
            let engine = Engine::new(&instance, store, registry, config);
            stop_on_signals(engine.handle())?;
            engine.run().await
        }
    }
}

/// Does nothing but wait, as a task does that calls a remote service.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WaitingTask {
    waiting_time: Seconds,
}

impl TaskHandler for WaitingTask {
    const KIND: &'static str = "waiting";
    type Output = Value;

    async fn execute(self, task: &Task) -> Result<Value, TaskError> {
        info!(task = task.id, "task is waiting");
        tokio::time::sleep(self.waiting_time.0).await;
        Ok(json!({ "waited": self.waiting_time }))
    }
}

/// A duration, written as a number of seconds: `0.5`.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
struct Seconds(Duration);

impl TryFrom<f64> for Seconds {
    type Error = TryFromFloatSecsError;

    fn try_from(seconds: f64) -> Result<Self, Self::Error> {
        Duration::try_from_secs_f64(seconds).map(Self)
    }
}

impl From<Seconds> for f64 {
    fn from(seconds: Seconds) -> Self {
        seconds.0.as_secs_f64()
    }
}
