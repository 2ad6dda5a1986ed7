//! `create`: tasks for an engine.

use std::io;

use anyhow::{Context, Result};
use task_engine::Store;

use super::cli::CreateArguments;
use super::output::print;
use super::tasks::registry;

pub async fn create(store: &Store, arguments: CreateArguments) -> Result<()> {
    let count = arguments.count;
    let text = match arguments.parameters.as_str() {
        "-" => &io::read_to_string(io::stdin()).context("can't read the parameters")?,
        text => text,
    };
    let parameters = serde_json::from_str(text);
    let parameters = parameters.context("the parameters aren't JSON")?;
    let mut task = registry().new_task(&arguments.kind, parameters)?;
    if let Some(time) = arguments.at.or(arguments.delay) {
        task = task.at(time);
    }
    store
        .transaction(move |tx| (0..count).try_for_each(|_| tx.create(task.clone()).map(drop)))
        .await?;
    print(&[format!("{count} tasks created")])
}
