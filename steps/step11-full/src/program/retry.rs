//! `task-engine retry`.

use std::io::{self, IsTerminal, Write};

use task_engine::Store;

use super::Failure;
use super::cli::RetryArguments;
use super::output::print;

pub async fn retry(store: &Store, arguments: RetryArguments) -> Result<(), Failure> {
    if let Some(instance) = arguments.stranded {
        return retry_stranded(store, instance, arguments.yes).await;
    }
    for id in arguments.ids {
        store.retry_task(id).await?;
        print(&format!("task {id} is waiting again\n"))?;
    }
    Ok(())
}

async fn retry_stranded(store: &Store, instance: String, yes: bool) -> Result<(), Failure> {
    let tasks = store.running_tasks(&instance).await?;
    if tasks.is_empty() {
        return print(&format!(
            "no task is marked as running under the name \"{instance}\"\n"
        ));
    }
    if !yes && !confirmed(&instance, &tasks)? {
        return Err(Failure::Refused { instance });
    }
    for id in store.retry_stranded_tasks(&instance).await? {
        print(&format!("task {id} is waiting again\n"))?;
    }
    Ok(())
}

/// Without a terminal, there is nobody to ask.
fn confirmed(instance: &str, tasks: &[i64]) -> Result<bool, Failure> {
    let mut error = io::stderr();
    writeln!(
        error,
        "marked as running under the name \"{instance}\": {tasks:?}"
    )
    .map_err(Failure::Output)?;
    if !io::stdin().is_terminal() || !error.is_terminal() {
        return Ok(false);
    }
    write!(error, "Is this engine dead, are you sure? [y/N] ").map_err(Failure::Output)?;
    let mut answer = String::new();
    io::stdin()
        .read_line(&mut answer)
        .map_err(Failure::Output)?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}
