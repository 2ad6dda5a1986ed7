//! `create`: tasks for an engine.

use std::io::{self, Write};

use anyhow::{Context, Result};
use step15_errors::Store;

use super::cli::CreateArguments;
use super::tasks::registry;

pub async fn create(store: &Store, arguments: CreateArguments) -> Result<()> {
    let count = arguments.count;
    let parameters = serde_json::from_str(&arguments.parameters);
    let parameters = parameters.context("the parameters aren't JSON")?;
    let mut task = registry().new_task(&arguments.kind, parameters)?;
    if let Some(time) = arguments.at.or(arguments.delay) {
        task = task.at(time);
    }
    store
        .transaction(move |tx| (0..count).try_for_each(|_| tx.create(task.clone()).map(drop)))
        .await?;
    let plural = if count == 1 { "" } else { "s" };
    Ok(writeln!(io::stdout(), "{count} task{plural} created")?)
}
