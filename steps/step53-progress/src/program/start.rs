//! `start`: an engine at work.

use anyhow::Result;
use step53_progress::{Config, Engine, Measures, Retention, Store};
use tracing::info;

use super::cli::StartArguments;
use super::progress;
use super::signals::{remember_programs, stop_on_signals};
use super::tasks::registry;

pub async fn start(store: Store, arguments: StartArguments) -> Result<()> {
    let config = Config {
        instance: arguments.instance,
        workers: arguments.workers,
        ahead: arguments.ahead,
        lease: arguments.lease,
        grace: arguments.grace,
        retention: Retention {
            stopped: arguments.keep,
            failed: arguments.keep_failed,
            cancelled: arguments.keep_failed,
        },
        ..Config::default()
    };
    let measures = Measures::default();
    let hooked = registry().with_hook("measures", measures.hook());
    let engine = Engine::new(store.clone(), hooked, config);
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
    for (kind, measures) in measures.kinds() {
        let (executions, failures) = (measures.executions, measures.failures);
        info!(kind, executions, failures, longest = ?measures.longest, "measured");
    }
    Ok(())
}
