//! `start`: an engine at work.

use anyhow::Result;
use step47_prefetch::{Config, Engine, Measures, Retention, Store};
use tracing::info;

use super::cli::StartArguments;
use super::signals::stop_on_signals;
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
    let registry = registry().with_hook("measures", measures.hook());
    let engine = Engine::new(store, registry, config);
    stop_on_signals(engine.handle())?;
    let engine = engine.start().await?;
    if arguments.until_empty {
        engine.drain().await?;
    } else {
        engine.wait().await?;
    }
    for (kind, measures) in measures.kinds() {
        let (executions, failures) = (measures.executions, measures.failures);
        info!(kind, executions, failures, longest = ?measures.longest, "measured");
    }
    Ok(())
}
