//! `create`: tasks for an engine.

use std::io::{self, Write};

use anyhow::{Context, Result};
use step47_prefetch::{Created, Store};

use super::cli::CreateArguments;
use super::tasks::registry;

pub async fn create(store: &Store, arguments: CreateArguments) -> Result<()> {
    let count = arguments.count;
    let parameters = serde_json::from_str(&arguments.parameters);
    let parameters = parameters.context("the parameters aren't JSON")?;
    let mut task = registry().new_task(&arguments.kind, parameters)?;
    task = task.priority(arguments.priority);
    if let Some(time) = arguments.at.or(arguments.delay) {
        task = task.at(time);
    }
    if let Some(limit) = arguments.timeout {
        task = task.timeout(limit);
    }
    if let Some(key) = arguments.concurrency_key {
        task = task.concurrency_key(key);
    }
    if let Some(id) = arguments.correlation {
        task = task.correlation(id);
    }
    if let Some(key) = arguments.unique {
        task = task.unique(key).if_exists(arguments.if_exists);
    }
    let last = if arguments.wait {
        for _ in 1..count {
            store.create_when_there_is_room(task.clone()).await?;
        }
        store.create_when_there_is_room(task).await?
    } else {
        let all = store.transaction(move |tx| {
            (1..count).try_for_each(|_| tx.create(task.clone()).map(drop))?;
            tx.try_create(task)
        });
        all.await?
    };
    let text = match last {
        Created::New(_) if count == 1 => "1 task created".to_owned(),
        Created::New(_) => format!("{count} tasks created"),
        Created::Changed(id) => format!("task {id} exists already, and is changed"),
        Created::Existing(id) => format!("task {id} exists already"),
    };
    Ok(writeln!(io::stdout(), "{text}")?)
}
