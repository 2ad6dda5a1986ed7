//! `start`: an engine at work.

use anyhow::Result;
use step20_state::{Config, Engine, Store};

use super::cli::StartArguments;
use super::signals::stop_on_signals;
use super::tasks::registry;

pub async fn start(store: Store, arguments: StartArguments) -> Result<()> {
    let config = Config {
        instance: arguments.instance,
        workers: arguments.workers,
        ..Config::default()
    };
    let engine = Engine::new(store, registry(), config);
    stop_on_signals(engine.handle())?;
    let engine = engine.start().await?;
    if arguments.until_empty {
        engine.drain().await?;
    } else {
        engine.wait().await?;
    }
    Ok(())
}
