use tokio::task::JoinSet;
use tracing::info;

use crate::{Error, Handler, Store, Worker};

/// How an engine works.
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
pub struct Engine {
    store: Store,
    handler: Handler,
    config: Config,
}

impl Engine {
    /// Makes an engine whose workers take their tasks in this store and execute them with this
    /// handler.
    pub fn new(store: Store, handler: Handler, config: Config) -> Self {
        Self {
            store,
            handler,
            config,
        }
    }

    /// Executes tasks until none is waiting and every worker has ended its last one.
    ///
    /// # Errors
    /// Those of the store: the first one, once all workers have stopped.
    ///
    /// # Panics
    /// If a task panics.
    pub async fn run(self) -> Result<(), Error> {
        info!(workers = self.config.workers, "engine started");
        let mut workers = JoinSet::new();
        for index in 0..self.config.workers {
            let worker = Worker::new(index, self.store.clone(), self.handler.clone());
            workers.spawn(worker.run());
        }
        let outcomes = workers.join_all().await;
        info!("engine stopped");
        outcomes.into_iter().collect()
    }
}
