//! What can be asked on the command line.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, value_parser};
use jiff::{Span, SpanRelativeTo, Timestamp};
use step16_traces::{Config, TaskStatus};

/// A task engine.
#[derive(Parser)]
#[command(name = "task-engine", version)]
pub struct Cli {
    /// The file of the database.
    #[arg(
        long,
        global = true,
        env = "TASK_ENGINE_DATABASE",
        default_value = "task_engine.db"
    )]
    pub database: PathBuf,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Execute tasks, until Ctrl+C.
    #[command(after_help = START_HELP)]
    Start(StartArguments),
    /// Create tasks.
    Create(CreateArguments),
    /// List the last tasks created, the newest first.
    List(ListArguments),
    /// Show a task, and what became of each of its executions.
    Show {
        /// Its number.
        id: i64,
    },
}

const START_HELP: &str = "\
Ctrl+C, SIGTERM or SIGHUP let the running tasks end, and no other starts.
A second one, a second later or more, stops at once: the tasks are cut short,
and stay marked as running.";

#[derive(Args)]
pub struct StartArguments {
    /// Its name, which no other engine on this database uses.
    #[arg(
        long,
        value_name = "NAME",
        env = "TASK_ENGINE_INSTANCE",
        default_value = ""
    )]
    pub instance: String,
    /// How many tasks to execute at once.
    #[arg(
        long,
        value_name = "N",
        default_value_t = Config::default().workers,
        value_parser = value_parser!(u16).range(1..)
    )]
    pub workers: u16,
}

#[derive(Args)]
pub struct CreateArguments {
    /// Their kind.
    pub kind: String,
    /// Their parameters, a JSON object.
    #[arg(value_name = "JSON", default_value = "{}")]
    pub parameters: String,
    /// When to execute them, at the earliest: 2030-01-01T00:00:00Z.
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub at: Option<Timestamp>,
    /// How long to wait before executing them: 30s, 1h 30m, 2 days.
    #[arg(long = "in", value_name = "DURATION", value_parser = from_now, conflicts_with = "at")]
    pub delay: Option<Timestamp>,
    /// How many to create: all of them, or none if there is an error.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u32).range(1..))]
    pub count: u32,
}

#[derive(Args)]
pub struct ListArguments {
    /// Only those that have this status.
    #[arg(long, value_parser = task_status())]
    pub status: Option<TaskStatus>,
    /// How many at most.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: u32,
}

fn date(text: &str) -> Result<Timestamp, String> {
    let date = text.parse();
    date.map_err(|error| format!("{error}; a date is written 2030-01-01T00:00:00Z"))
}

fn from_now(text: &str) -> Result<Timestamp, String> {
    let span = text.parse::<Span>().map_err(|error| error.to_string())?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours());
    let date = duration.and_then(|duration| Timestamp::now().checked_add(duration));
    date.map_err(|error| error.to_string())
}

fn task_status() -> impl TypedValueParser<Value = TaskStatus> {
    PossibleValuesParser::new(TaskStatus::ALL.iter().map(|status| status.as_str()))
        .try_map(|word| word.parse::<TaskStatus>())
}
