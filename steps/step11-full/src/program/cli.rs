//! What can be asked on the command line.

use std::io;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, value_parser};
use clap_complete::Shell;
use jiff::{Span, SpanRelativeTo, Timestamp};
use task_engine::{Clock, Config, TaskStatus};

/// Executes tasks, kept in a SQLite database until they are done.
#[derive(Parser)]
#[command(
    name = "task-engine",
    version,
    max_term_width = 100,
    after_help = "\
Exit statuses:
    0  done
    1  an error, told on the standard error
    2  a command line that can't be understood
    3  tasks are still marked as running under the name of this engine
    4  refused, for want of a confirmation or of --yes
  130  stopped at once by a second Ctrl+C; 143 by a second SIGTERM

Try it: task-engine demo"
)]
pub struct Cli {
    /// The file of the database.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
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
    /// Create a task, or many alike.
    #[command(after_help = CREATE_HELP)]
    Create(CreateArguments),
    /// List the last tasks created, the newest first.
    List {
        /// Only those that have this status.
        #[arg(long, value_parser = task_status())]
        status: Option<TaskStatus>,
        /// How many at most.
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
        /// As a JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Show a task, and what became of each of its executions.
    Show {
        /// Its number.
        id: i64,
        /// As a JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Put tasks back among those that wait.
    #[command(after_help = RETRY_HELP)]
    Retry(RetryArguments),
    /// List the kinds of tasks, and how many of each are waiting.
    Kinds {
        /// As a JSON array.
        #[arg(long)]
        json: bool,
    },
    /// See the engine at work for some seconds, on a database made for that.
    Demo,
    /// Print what a shell needs to complete the commands.
    #[command(after_help = "For bash, in ~/.bashrc:  source <(task-engine completions bash)")]
    Completions {
        /// The shell.
        shell: Shell,
    },
}

const START_HELP: &str = "\
The first Ctrl+C, or SIGTERM, lets the running tasks end, and starts no other.
The second one stops at once: the tasks are left marked as running, and the
programs that they have launched go on by themselves.";

#[derive(Args)]
pub struct StartArguments {
    /// Its name, which no other engine uses [default: host and process, as myhost-4242].
    #[arg(long, value_name = "NAME", env = "TASK_ENGINE_INSTANCE")]
    pub instance: Option<String>,
    /// How many tasks to run at once.
    #[arg(
        long,
        value_name = "N",
        default_value_t = Config::default().workers,
        value_parser = value_parser!(u16).range(1..)
    )]
    pub workers: u16,
    /// End when no task is due and none is running; those for later are left.
    #[arg(long)]
    pub until_empty: bool,
}

const CREATE_HELP: &str = r#"Examples:
  task-engine create waiting '{"waiting_time": 5}' --count 20
  task-engine create command '{"program": "date"}' --in '1h 30m'
  task-engine create command '{"program": "tar",
    "arguments": ["-cf", "a.tar", "a"], "directory": "/srv",
    "environment": {"LANG": "C"}}'

A task of kind "command" launches a program, without a shell. Its result is the
exit status and the end of both outputs, 64 KiB at most each; an exit status
other than 0 is an error, and the task is retried."#;

#[derive(Args)]
pub struct CreateArguments {
    /// Its kind; `task-engine kinds` lists them.
    pub kind: String,
    /// Its parameters, a JSON object; `-` reads them from the standard input.
    #[arg(value_name = "JSON", default_value = "{}", value_parser = text_or_input)]
    pub parameters: String,
    /// When to execute it, at the earliest: 2030-01-01T00:00:00Z.
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub at: Option<Timestamp>,
    /// How long to wait before executing it: 30s, 1h 30m, 2 days.
    #[arg(long = "in", value_name = "DURATION", value_parser = from_now, conflicts_with = "at")]
    pub delay: Option<Timestamp>,
    /// How many to create: all of them, or none if there is an error.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u32).range(1..))]
    pub count: u32,
}

const RETRY_HELP: &str = "\
A task put back is due at once. By its number, it must have ended, and has all
its retries to come.

With --stranded, it is one that a killed engine has left marked as running. The
database can't tell whether an engine is alive, you must: if it is, its tasks
will be executed twice. So a confirmation is asked for in a terminal, and --yes
is needed elsewhere; without it nothing changes, and the exit status is 4.";

#[derive(Args)]
pub struct RetryArguments {
    /// The numbers of tasks that have failed, or were executed.
    #[arg(
        value_name = "ID",
        required_unless_present = "stranded",
        conflicts_with = "stranded"
    )]
    pub ids: Vec<i64>,
    /// All the tasks marked as running under the name of this engine.
    #[arg(long, value_name = "INSTANCE")]
    pub stranded: Option<String>,
    /// This engine isn't running any more, I am sure.
    #[arg(long, requires = "stranded")]
    pub yes: bool,
}

fn text_or_input(text: &str) -> io::Result<String> {
    match text {
        "-" => io::read_to_string(io::stdin()),
        _ => Ok(text.to_owned()),
    }
}

fn date(text: &str) -> Result<Timestamp, &'static str> {
    let date = text.parse();
    date.map_err(|_| "not a date such as 2030-01-01T00:00:00Z")
}

fn from_now(text: &str) -> Result<Timestamp, &'static str> {
    let duration = text
        .parse()
        .and_then(|span: Span| span.to_duration(SpanRelativeTo::days_are_24_hours()))
        .map_err(|_| "not a duration such as 30s, 1h 30m or 2 days")?;
    let date = Clock::System.now().checked_add(duration);
    date.map_err(|_| "too far away")
}

fn task_status() -> impl TypedValueParser<Value = TaskStatus> {
    PossibleValuesParser::new(TaskStatus::ALL.map(TaskStatus::as_str))
        .try_map(|word| word.parse::<TaskStatus>())
}
