//! `create`: tasks for an engine.

use std::io::{self, Write};

use anyhow::{Context, Result};
use step08_kinds::{NewTask, Store};

use super::cli::CreateArguments;
use super::tasks::registry;

pub async fn create(store: &Store, arguments: CreateArguments) -> Result<()> {
    let count = arguments.count;
    let parameters = serde_json::from_str(&arguments.parameters);
    let parameters = parameters.context("the parameters aren't JSON")?;
    registry().find(&arguments.kind)?;
    let task = NewTask::new(&arguments.kind, parameters);
    store
        .transaction(move |tx| (0..count).try_for_each(|_| tx.create(&task).map(drop)))
        .await?;
    let plural = if count == 1 { "" } else { "s" };
    Ok(writeln!(io::stdout(), "{count} task{plural} created")?)
}
