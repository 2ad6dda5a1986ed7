use std::sync::Arc;

use tokio::task::JoinSet;
use tracing::info;

use crate::{Error, Handler, Store, Worker};

/// How an engine works.
///
/// Write it as `Config { workers: 2, ..Config::default() }`, so that a new field changes nothing
/// for you.
#[derive(Debug, Clone)]
pub struct Config {
    /// How many tasks run at once.
    pub workers: u16,
}

impl Default for Config {
    fn default() -> Self {
        Self { workers: 5 }
    }
}

/// Starts workers and waits for them.
#[derive(Debug)]
pub struct Engine {
    pub(crate) store: Store,
    pub(crate) handler: Handler,
    config: Config,
}

impl Engine {
    /// Makes an engine, whose workers take their tasks in this store; it does nothing until it runs.
    pub fn new(store: Store, handler: Handler, config: Config) -> Self {
        Self {
            store,
            handler,
            config,
        }
    }

    /// Executes tasks until none is waiting and every worker has ended its last one. Dropping
    /// this future cuts the running tasks short: they stay marked as running.
    ///
    /// # Errors
    /// Those of the store: the first one, once all workers have stopped.
    ///
    /// # Panics
    /// If a task panics.
    pub async fn run(self) -> Result<(), Error> {
        info!(workers = self.config.workers, "engine started");
        let engine = Arc::new(self);
        let mut workers = JoinSet::new();
        for index in 0..engine.config.workers {
            workers.spawn(Worker::new(index, engine.clone()).run());
        }
        let outcomes = workers.join_all().await;
        info!("engine stopped");
        outcomes.into_iter().collect()
    }
}
