//! `start`: an engine at work.

use anyhow::Result;
use step02_parallelism::{Config, Engine, Store};

use super::cli::StartArguments;
use super::tasks::waiting_task;

pub async fn start(arguments: StartArguments) -> Result<()> {
    let store = Store::default();
    for _ in 0..arguments.tasks {
        store.create().await?;
    }
    let handler = waiting_task(arguments.waiting_time);
    let config = Config {
        workers: arguments.workers,
        ..Config::default()
    };
    Ok(Engine::new(store, handler, config).run().await?)
}
