use std::panic;
use std::sync::Arc;

use tokio::task::JoinSet;
use tracing::info;

use crate::{EngineHandle, Error, Handler, Selection, Store, Task, Worker};

/// How an engine works.
///
/// Write it as `Config { workers: 2, ..Config::default() }`, so that a new field changes nothing
/// for you.
#[derive(Debug, Clone)]
pub struct Config {
    /// The name of the engine, which tells its tasks from those of other engines on the same
    /// database. There is no default: an engine without a name doesn't start.
    pub instance: String,
    /// How many tasks run at once.
    pub workers: u16,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            instance: String::new(),
            workers: 5,
        }
    }
}

/// Starts workers and waits for them.
#[derive(Debug)]
pub struct Engine {
    pub(crate) store: Store,
    pub(crate) handler: Handler,
    config: Config,
    selection: Selection,
    handle: EngineHandle,
}

impl Engine {
    /// Makes an engine, whose workers take their tasks in this store; it does nothing until it runs.
    pub fn new(store: Store, handler: Handler, config: Config) -> Self {
        Self {
            selection: Selection {
                instance: config.instance.as_str().into(),
            },
            store,
            handler,
            config,
            handle: EngineHandle::new(),
        }
    }

    /// What stops this engine while it runs.
    pub fn handle(&self) -> EngineHandle {
        self.handle.clone()
    }

    pub(crate) fn is_running(&self) -> bool {
        self.handle.is_running()
    }

    /// Executes tasks until none is waiting, or the engine is asked to stop, and every worker has
    /// ended its last one. A worker that fails stops the engine. Dropping
    /// this future cuts the running tasks short: they stay marked as running.
    ///
    /// # Errors
    /// [`Error::NoInstance`]; [`Error::StillRunning`] if tasks are marked as running under its
    /// name: nothing is changed; those of the store: the first one, once all workers have stopped.
    ///
    /// # Panics
    /// If a task panics.
    pub async fn run(self) -> Result<(), Error> {
        self.check_instance().await?;
        let (instance, workers) = (&self.config.instance, self.config.workers);
        info!(instance, workers, "engine started");
        let engine = Arc::new(self);
        let mut workers = JoinSet::new();
        for index in 0..engine.config.workers {
            workers.spawn(Worker::new(index, engine.clone()).run());
        }
        let mut outcome = Ok(());
        while let Some(joined) = workers.join_next().await {
            let ended = joined.unwrap_or_else(|error| panic::resume_unwind(error.into_panic()));
            if ended.is_err() {
                engine.handle.stop();
            }
            outcome = outcome.and(ended);
        }
        info!("engine stopped");
        outcome
    }

    pub(crate) async fn acquire(&self) -> Result<Option<Task>, Error> {
        self.store.try_acquire_task(&self.selection).await
    }

    /// What these tasks have done before their engine was killed, only somebody can tell.
    async fn check_instance(&self) -> Result<(), Error> {
        let instance = self.config.instance.clone();
        if instance.is_empty() {
            return Err(Error::NoInstance);
        }
        let tasks = self.store.running_tasks(&instance).await?;
        if tasks.is_empty() {
            return Ok(());
        }
        Err(Error::StillRunning { instance, tasks })
    }
}
