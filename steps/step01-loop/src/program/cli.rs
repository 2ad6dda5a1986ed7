//! What can be asked on the command line.

use clap::{Args, Parser, Subcommand};

/// A task engine.
#[derive(Parser)]
#[command(name = "task-engine", version)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Execute tasks until none is left.
    Start(StartArguments),
}

#[derive(Args)]
pub struct StartArguments {
    /// How many tasks to execute.
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub tasks: u32,
    /// How long each task waits, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0)]
    pub waiting_time: f64,
}
