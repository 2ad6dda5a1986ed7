//! `start`: an engine at work.

use anyhow::Result;
use step05_opening::{Config, Engine, Store};

use super::cli::StartArguments;
use super::tasks::waiting_task;

pub async fn start(store: Store, arguments: StartArguments) -> Result<()> {
    let handler = waiting_task(arguments.waiting_time);
    let config = Config {
        workers: arguments.workers,
        ..Config::default()
    };
    Ok(Engine::new(store, handler, config).run().await?)
}
