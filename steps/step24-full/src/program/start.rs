//! `start`: an engine at work.

use anyhow::Result;
use task_engine::{Config, Engine, Store};

use super::cli::StartArguments;
use super::progress;
use super::signals::{remember_programs, stop_on_signals};
use super::tasks::registry;

pub async fn start(store: Store, arguments: StartArguments) -> Result<()> {
    let config = Config {
        instance: arguments.instance,
        workers: arguments.workers,
        ..Config::default()
    };
    let engine = Engine::new(store.clone(), registry(), config);
    remember_programs()?;
    stop_on_signals(engine.handle())?;
    let engine = engine.start().await?;
    if arguments.until_empty {
        let handle = engine.handle();
        let following = progress::follow(handle.clone(), store, registry());
        tokio::select! {
            drained = engine.drain() => drained?,
            () = following => (),
        }
        progress::end(&handle);
    } else {
        engine.wait().await?;
    }
    Ok(())
}
