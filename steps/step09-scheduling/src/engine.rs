use std::panic;
use std::time::Duration;

use tokio::task::JoinSet;
use tracing::{info, warn};

use crate::{EngineHandle, Error, Registry, Store, Worker};

/// How an engine works.
#[derive(Debug, Clone)]
pub struct Config {
    /// How many tasks run at once.
    pub workers: u16,
    /// How often the engine looks whether another process has written in the database.
    pub watch_interval: Duration,
    /// How long a worker sleeps at most: then it looks at the clock of the store again, which
    /// may have been set, or stopped with the machine.
    pub wake_up_interval: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            workers: 5,
            watch_interval: Duration::from_millis(10),
            wake_up_interval: Duration::from_secs(10),
        }
    }
}

/// Starts workers and waits for them.
pub struct Engine {
    store: Store,
    registry: Registry,
    config: Config,
    handle: EngineHandle,
}

impl Engine {
    /// Makes an engine whose workers take their tasks in this store and execute them as the
    /// registry says; its name tells its tasks from those of other engines on the same database.
    pub fn new(instance: &str, store: Store, registry: Registry, config: Config) -> Self {
        Self {
            store,
            registry,
            config,
            handle: EngineHandle::new(instance),
        }
    }

    /// What stops this engine while it runs.
    pub fn handle(&self) -> EngineHandle {
        self.handle.clone()
    }

    /// Executes tasks, those that wait and those to come, until the engine is asked to stop and
    /// every worker has ended its last one. A worker that fails stops the engine.
    ///
    /// # Errors
    /// [`Error::NoInstance`] if its name is empty; [`Error::StillRunning`] if tasks are marked as
    /// running under its name; those of the store, and [`Error::Parameters`] for a
    /// task that can't be executed: the first one, once all workers have stopped.
    ///
    /// # Panics
    /// If a task panics.
    pub async fn run(self) -> Result<(), Error> {
        self.check_instance().await?;
        let instance = self.handle.instance();
        info!(instance, workers = self.config.workers, "engine started");
        self.report_unknown_kinds().await?;
        let mut workers = JoinSet::new();
        let watcher = self.store.watcher()?;
        let wake_up = self.store.wake_up().clone();
        workers.spawn(watcher.run(self.config.watch_interval, wake_up, self.handle()));
        for index in 0..self.config.workers {
            let worker = Worker::new(
                index,
                self.handle(),
                self.store.clone(),
                self.registry.clone(),
                self.config.clone(),
            );
            workers.spawn(worker.run());
        }
        let mut outcome = Ok(());
        while let Some(joined) = workers.join_next().await {
            let ended = joined.unwrap_or_else(|error| panic::resume_unwind(error.into_panic()));
            if ended.is_err() {
                self.handle.stop();
            }
            outcome = outcome.and(ended);
        }
        info!("engine stopped");
        outcome
    }

    /// They stay where they are, for another program that knows them.
    async fn report_unknown_kinds(&self) -> Result<(), Error> {
        let known = self.registry.kinds();
        for (kind, count) in self.store.waiting_kinds().await? {
            if !known.contains(&kind) {
                warn!(kind, count, "tasks of an unknown kind are left waiting");
            }
        }
        Ok(())
    }

    async fn check_instance(&self) -> Result<(), Error> {
        let instance = self.handle.instance();
        if instance.is_empty() {
            return Err(Error::NoInstance);
        }
        let tasks = self.store.running_tasks(instance).await?;
        if tasks.is_empty() {
            Ok(())
        } else {
            let instance = instance.to_owned();
            Err(Error::StillRunning { instance, tasks })
        }
    }
}
