//! `retry`: tasks are put back among those that wait.

use std::io::{self, IsTerminal, Write};

use anyhow::{Result, bail};
use step52_terminal::Store;

use super::cli::RetryArguments;
use super::output::print;

/// Nobody has said that the engine is dead.
#[derive(Debug, thiserror::Error)]
#[error(
    "nothing is changed: make sure that no engine of this name is running, since its tasks would \
     be executed twice, then say so with --yes"
)]
pub struct Unconfirmed;

pub async fn retry(store: &Store, arguments: RetryArguments) -> Result<()> {
    if let Some(instance) = arguments.stranded {
        return retry_stranded(store, &instance, arguments.yes).await;
    }
    for id in arguments.ids {
        store.retry_task(id).await?;
        print(&[format!("task {id} is waiting again")])?;
    }
    Ok(())
}

async fn retry_stranded(store: &Store, instance: &str, yes: bool) -> Result<()> {
    let tasks = store.running_tasks(instance).await?;
    if tasks.is_empty() {
        return print(&[format!(
            "no task of an engine without a number is marked as running under the name {instance:?}"
        )]);
    }
    if !yes && !confirmed(instance, &tasks)? {
        bail!(Unconfirmed);
    }
    let put_back = store.retry_stranded_tasks(instance).await?;
    print(&put_back.iter().map(line).collect::<Vec<_>>())
}

fn line((id, again): &(i64, bool)) -> String {
    let what = if *again {
        "is waiting again"
    } else {
        "has failed, as its engine was killed too many times, or was cancelled"
    };
    format!("task {id} {what}")
}

/// Without a terminal, there is nobody to ask.
fn confirmed(instance: &str, tasks: &[i64]) -> Result<bool> {
    let mut error = io::stderr();
    writeln!(
        error,
        "marked as running under the name {instance:?}: {tasks:?}"
    )?;
    if !io::stdin().is_terminal() || !error.is_terminal() {
        return Ok(false);
    }
    write!(error, "Is this engine dead, are you sure? [y/N] ")?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}
