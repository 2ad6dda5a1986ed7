//! What can be asked on the command line.

use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, value_parser};
use jiff::{Span, SpanRelativeTo, Timestamp};
use step47_prefetch::{Config, IfExists, Missed, Priority, TaskStatus};

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
    /// Put tasks back among those that wait.
    #[command(after_help = RETRY_HELP)]
    Retry(RetryArguments),
    /// Cancel tasks: those that wait aren't executed, those that run are asked to stop.
    Cancel(CancelArguments),
    /// Let no task of these kinds start any more, on any engine; those that run end.
    Pause {
        /// Kinds of tasks, those that this program doesn't know included.
        #[arg(value_name = "KIND", required = true)]
        kinds: Vec<String>,
    },
    /// Let the tasks of these kinds start again.
    Resume {
        /// Kinds of tasks.
        #[arg(value_name = "KIND", required = true)]
        kinds: Vec<String>,
    },
    /// Let no more tasks of this kind wait than so many: creating one fails, or waits for room.
    Bound {
        /// A kind of tasks.
        kind: String,
        /// How many may wait.
        #[arg(value_name = "N")]
        max_waiting: u32,
    },
    /// Let as many tasks of this kind wait as come.
    Unbound {
        /// A kind of tasks.
        kind: String,
    },
    /// Let no more tasks of this kind run at once than so many, on all engines together.
    Limit {
        /// A kind of tasks.
        kind: String,
        /// How many may run.
        #[arg(value_name = "N")]
        max_running: NonZero<u32>,
        /// For each concurrency key apart.
        #[arg(long)]
        per_key: bool,
    },
    /// Let as many tasks of this kind run as there are workers.
    Unlimit {
        /// A kind of tasks.
        kind: String,
        /// For each concurrency key apart: a limit of the whole kind stays.
        #[arg(long)]
        per_key: bool,
    },
    /// Let no more tasks of this kind start in any such period than so many, on all engines together.
    Rate {
        /// A kind of tasks.
        kind: String,
        /// How many may start.
        #[arg(value_name = "N")]
        starts: NonZero<u32>,
        /// In how long a time: 1s, 2 minutes.
        #[arg(value_parser = duration)]
        period: Duration,
    },
    /// Let the tasks of this kind start as fast as they can.
    Unrate {
        /// A kind of tasks.
        kind: String,
    },
    /// Have tasks created at the times of a calendar.
    #[command(subcommand)]
    Schedule(ScheduleCommand),
    /// Delete tasks that have ended, and their executions.
    Prune(PruneArguments),
    /// List the kinds of tasks: how many wait, since when, how many run, and what holds them up.
    Kinds {
        /// As a JSON array.
        #[arg(long)]
        json: bool,
    },
    /// List the engines: those that are alive, then the last ones.
    Engines {
        /// How many at most.
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
    },
    /// List the last tasks created, the newest first.
    List(ListArguments),
    /// Show the tasks that belong together, as a tree, and when each was executed.
    Trace {
        /// The number of one of them, or what they belong to: order-42.
        #[arg(value_name = "ID|CORRELATION")]
        what: String,
        /// As a JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Show a task, and what became of each of its executions.
    Show {
        /// Its number.
        id: i64,
    },
}

#[derive(Subcommand)]
pub enum ScheduleCommand {
    /// Have a task created at each time of an expression; it replaces the schedule of this name.
    Add(ScheduleArguments),
    /// List the schedules: what comes next, what came last, and what is paused or wrong.
    List {
        /// As a JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Show the next times of a schedule, paused or not, by the clocks of its place.
    Next {
        name: String,
        /// How many.
        #[arg(long, value_name = "N", default_value = "5")]
        count: NonZero<u16>,
    },
    /// Let no time of this schedule have a task any more, on any engine.
    Pause { name: String },
    /// Let this schedule go on, from now: what came meanwhile isn't made up for.
    Resume { name: String },
    /// Forget these schedules; their tasks stay.
    Remove {
        #[arg(value_name = "NAME", required = true)]
        names: Vec<String>,
    },
}

#[derive(Args)]
pub struct ScheduleArguments {
    /// Its name.
    pub name: String,
    /// The kind of its tasks.
    pub kind: String,
    /// When, as cron says it: "0 9 * * MON"; a sixth field, in front, is for seconds.
    pub expression: String,
    /// The parameters of its tasks, a JSON object.
    #[arg(value_name = "JSON", default_value = "{}")]
    pub parameters: String,
    /// The place whose clocks it speaks of: Europe/Paris.
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    pub time_zone: String,
    /// What has a task, of the ticks that no engine was there for: nothing, one for all of them, or
    /// each its own; that is for the last 100, and implies --overlap.
    #[arg(long, value_name = "POLICY", default_value = "once", value_parser = missed())]
    pub missed: Missed,
    /// Create the task of a tick even if that of an earlier one waits or runs.
    #[arg(long)]
    pub overlap: bool,
}

const START_HELP: &str = "\
Ctrl+C, SIGTERM or SIGHUP let the running tasks end, and no other starts. With
--grace, those that take longer are asked to stop, cut short five seconds later,
and put back among those that wait.
A second one, a second later or more, stops at once: the tasks are cut short,
and stay marked as running.";

#[derive(Args)]
pub struct StartArguments {
    /// Its name, for those who look at its tasks.
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
    /// How long before it starts a task may be acquired, if they are short: 50ms.
    #[arg(long, value_name = "DURATION", default_value = "0ms", value_parser = duration)]
    pub ahead: Duration,
    /// How long it may be silent before it is taken for dead: 30s, 2 minutes.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
    pub lease: Duration,
    /// How long a stop waits for the running tasks: 20s, 2 minutes. For ever, by default.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub grace: Option<Duration>,
    /// How long to keep the tasks that were executed: 7 days. For ever, by default.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub keep: Option<Duration>,
    /// How long to keep those that have failed or were cancelled: 90 days. For ever, by default.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub keep_failed: Option<Duration>,
    /// End when no task is due and none is running; those for later are left.
    #[arg(long)]
    pub until_empty: bool,
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
    /// Which come first, among those that are due; one turn in ten looks at no priority.
    #[arg(long, value_name = "WORD", default_value = "normal", value_parser = priority())]
    pub priority: Priority,
    /// How long an execution may last, before it is stopped: 30s, 2 minutes.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub timeout: Option<Duration>,
    /// What no other task of their kind has while it waits or runs: if one has, none is created.
    #[arg(long, value_name = "KEY", conflicts_with = "count")]
    pub unique: Option<String>,
    /// What becomes of that one, if it waits: its parameters are replaced, or its date is moved.
    #[arg(
        long,
        value_name = "WHAT",
        requires = "unique",
        default_value = "keep",
        value_parser = if_exists()
    )]
    pub if_exists: IfExists,
    /// What they work for, or on, a tenant for instance: see limit --per-key.
    #[arg(long, value_name = "KEY")]
    pub concurrency_key: Option<String>,
    /// What they belong to, an order for instance: it is in all that they log.
    #[arg(long, value_name = "ID")]
    pub correlation: Option<String>,
    /// If their kind is full, wait for room, for one after the other, rather than fail.
    #[arg(long)]
    pub wait: bool,
    /// How many to create: all of them, or none if there is an error, unless they wait for room.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u32).range(1..))]
    pub count: u32,
}

const RETRY_HELP: &str = "\
By its number, a task must have ended, or wait: it is due at once.

With --stranded, it is one that an engine without a number, of an earlier version,
has left marked as running: the tasks of the others are put back by themselves. The
database can't tell whether such an engine is alive, you must: if it is, its tasks
will be executed twice. So a confirmation is asked for in a terminal, and --yes
is needed elsewhere; without it nothing changes, and the exit status is 4.";

#[derive(Args)]
pub struct RetryArguments {
    /// The numbers of tasks.
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

#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct CancelArguments {
    /// The numbers of tasks.
    #[arg(value_name = "ID")]
    pub ids: Vec<i64>,
    /// All those of this kind.
    #[arg(long)]
    pub kind: Option<String>,
    /// All those that belong to the same thing: order-42.
    #[arg(long, value_name = "ID")]
    pub correlation: Option<String>,
}

#[derive(Args)]
pub struct PruneArguments {
    /// How long ago they have ended, at least: 12h, 7 days.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub older_than: Duration,
    /// Only those that have this status.
    #[arg(long, value_parser = task_status(TaskStatus::ENDED))]
    pub status: Option<TaskStatus>,
    /// Say how many there are, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Args)]
pub struct ListArguments {
    /// Only those that have this status.
    #[arg(long, value_parser = task_status(TaskStatus::ALL))]
    pub status: Option<TaskStatus>,
    /// Only those that have failed and wait for a retry.
    #[arg(long, conflicts_with = "status")]
    pub retrying: bool,
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

fn duration(text: &str) -> Result<Duration, String> {
    let span = text.parse::<Span>();
    let duration = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()));
    let duration = duration.and_then(Duration::try_from);
    duration.map_err(|error| error.to_string())
}

fn priority() -> impl TypedValueParser<Value = Priority> {
    PossibleValuesParser::new(Priority::ALL.map(Priority::as_str))
        .try_map(|word| word.parse::<Priority>())
}

fn if_exists() -> impl TypedValueParser<Value = IfExists> {
    PossibleValuesParser::new(["keep", "replace", "move"]).map(|word| match &*word {
        "replace" => IfExists::Replace,
        "move" => IfExists::Move,
        _ => IfExists::Keep,
    })
}

fn missed() -> impl TypedValueParser<Value = Missed> {
    PossibleValuesParser::new(Missed::WORDS).map(|word| Missed::of(&word))
}

fn task_status(among: &[TaskStatus]) -> impl TypedValueParser<Value = TaskStatus> + use<> {
    PossibleValuesParser::new(among.iter().map(|status| status.as_str()))
        .try_map(|word| word.parse::<TaskStatus>())
}
