//! `start`: an engine at work.

use anyhow::Result;
use step01_loop::{Store, Worker};

use super::cli::StartArguments;
use super::tasks::waiting_task;

pub async fn start(arguments: StartArguments) -> Result<()> {
    let store = Store::default();
    for _ in 0..arguments.tasks {
        store.create().await?;
    }
    let handler = waiting_task(arguments.waiting_time);
    Ok(Worker::new(store, handler).run().await?)
}
