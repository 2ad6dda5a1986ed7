//! What the commands do.

pub mod cli;
mod command;
mod create;
mod demo;
mod kinds;
pub mod output;
mod progress;
mod retry;
mod start;
mod waiting;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::CommandFactory;
use task_engine::{Error, Registry, Store};

use crate::failing::{FailingNotRetryErrorTask, FailingNotRetryTask, FailingTask};
use crate::program::cli::{Cli, Command};
use crate::program::command::CommandTask;
use crate::program::output::print;
use crate::program::waiting::WaitingTask;
use crate::show;

/// Why a command has not done what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Engine(#[from] Error),
    #[error("can't make a folder for the demonstration: {0}")]
    Folder(#[source] io::Error),
    #[error("there is no database at \"{0}\": `create` and `start` make one; or give --database")]
    NoDatabase(String),
    #[error("can't write: {0}")]
    Output(#[source] io::Error),
    #[error(
        "nothing is changed: make sure that no engine named \"{instance}\" is running, since its \
         tasks would be executed twice, then say so with --yes"
    )]
    Refused { instance: String },
}

impl Failure {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Engine(Error::StillRunning { .. }) => ExitCode::from(3),
            Self::Refused { .. } => ExitCode::from(4),
            _ => ExitCode::FAILURE,
        }
    }
}

pub async fn run(cli: Cli) -> ExitCode {
    match dispatch(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        // `task-engine list | head` has shown what was wanted.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(failure) => {
            // If nobody can read this, there is still the status.
            let _ = writeln!(io::stderr(), "error: {failure}");
            failure.exit_code()
        }
    }
}

async fn dispatch(cli: Cli) -> Result<(), Failure> {
    let path = &cli.database;
    // Commands that only read make no database: a wrong path would go unnoticed.
    let existing = || {
        if path.exists() {
            Ok(Store::open(path)?)
        } else {
            Err(Failure::NoDatabase(path.display().to_string()))
        }
    };
    match cli.command {
        Command::Start(arguments) => start::start(Store::open(path)?, registry(), arguments).await,
        Command::Create(arguments) => {
            // Nothing is made if the task isn't right.
            let task = create::task(&registry(), &arguments)?;
            create::create(&Store::open(path)?, task, arguments.count).await
        }
        Command::List {
            status,
            limit,
            json,
        } => {
            let tasks = existing()?.list_tasks(status, limit).await?;
            print(&if json {
                output::json(&tasks)
            } else {
                show::tasks(&tasks)
            })
        }
        Command::Show { id, json } => {
            let (task, executions) = existing()?.find_task(id).await?;
            print(&if json {
                show::task_json(&task, &executions)
            } else {
                show::task(&task, &executions)
            })
        }
        Command::Retry(arguments) => retry::retry(&existing()?, arguments).await,
        Command::Kinds { json } => {
            let store = path.exists().then(|| Store::open(path)).transpose()?;
            kinds::kinds(store, &registry(), json).await
        }
        Command::Demo => demo::demo().await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "task-engine", &mut script);
            print(&String::from_utf8_lossy(&script))
        }
    }
}

fn registry() -> Registry {
    Registry::default()
        .with::<CommandTask>()
        .with::<FailingTask>()
        .with::<FailingNotRetryTask>()
        .with::<FailingNotRetryErrorTask>()
        .with::<WaitingTask>()
}
