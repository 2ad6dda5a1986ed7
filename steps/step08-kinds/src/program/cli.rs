//! What can be asked on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, value_parser};
use step08_kinds::Config;

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
    /// Execute tasks until none is left.
    #[command(after_help = START_HELP)]
    Start(StartArguments),
    /// Create tasks.
    Create(CreateArguments),
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
    /// How many to create: all of them, or none if there is an error.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u32).range(1..))]
    pub count: u32,
}
