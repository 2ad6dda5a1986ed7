//! `start`: an engine at work.

use anyhow::Result;
use step06_shutdown::{Config, Engine, Store};

use super::cli::StartArguments;
use super::signals::stop_on_signals;
use super::tasks::waiting_task;

pub async fn start(store: Store, arguments: StartArguments) -> Result<()> {
    let handler = waiting_task(arguments.waiting_time);
    let config = Config {
        workers: arguments.workers,
        ..Config::default()
    };
    let engine = Engine::new(store, handler, config);
    stop_on_signals(engine.handle())?;
    Ok(engine.run().await?)
}
