//! `task-engine start`.

use std::io;

use task_engine::{Engine, Registry, Store, stop_on_signals};

use super::Failure;
use super::cli::StartArguments;
use super::progress::{Progress, log_to};

pub async fn start(
    store: Store,
    registry: Registry,
    arguments: StartArguments,
) -> Result<(), Failure> {
    let progress = Progress::in_terminal(arguments.until_empty);
    match &progress {
        Some(progress) => progress.capture_log(),
        None => log_to(io::stderr),
    }
    let mut engine = Engine::builder(store.clone())
        .workers(arguments.workers)
        .registry(registry.clone());
    if let Some(name) = arguments.instance {
        engine = engine.instance(name);
    }
    let engine = engine.build();
    stop_on_signals(engine.handle())?;
    let handle = engine.handle();
    let engine = engine.start().await?;
    if !arguments.until_empty {
        return Ok(engine.wait().await?);
    }
    let Some(progress) = progress else {
        return Ok(engine.drain().await?);
    };
    let kinds = registry.kinds();
    let (drained, ()) = tokio::join!(
        async {
            let drained = engine.drain().await;
            progress.end();
            drained
        },
        progress.follow(&store, &handle, &kinds)
    );
    Ok(drained?)
}
