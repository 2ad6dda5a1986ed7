use tokio::time::{Instant, sleep};
use tracing::{error, info};

use crate::{Config, EngineHandle, Error, Outcome, Registry, Store, Task, TaskStatus};

/// Takes the tasks one after the other and executes them.
pub struct Worker {
    index: u16,
    engine: EngineHandle,
    store: Store,
    registry: Registry,
    config: Config,
}

impl Worker {
    /// Makes a worker that takes its tasks in this store and executes them as the registry says;
    /// its index tells it from the others in the log.
    pub fn new(
        index: u16,
        engine: EngineHandle,
        store: Store,
        registry: Registry,
        config: Config,
    ) -> Self {
        Self {
            index,
            engine,
            store,
            registry,
            config,
        }
    }

    /// Executes tasks, and sleeps when none is due, until the engine is asked to stop.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn run(self) -> Result<(), Error> {
        while self.engine.is_running() {
            while self.engine.is_running()
                && let Some(task) = self.acquire().await?
            {
                self.process(task).await?;
            }
            self.sleep().await?;
        }
        info!(worker = self.index, "worker stopped");
        Ok(())
    }

    async fn sleep(&self) -> Result<(), Error> {
        let next_task = self.store.time_to_next_task(&self.registry.kinds()).await?;
        let interval = self.config.wake_up_interval;
        tokio::select! {
            () = self.store.wake_up().wait() => (),
            () = self.engine.stopping() => (),
            () = sleep(next_task.map_or(interval, |time| time.min(interval))) => (),
        }
        Ok(())
    }

    async fn process(&self, task: Task) -> Result<(), Error> {
        let started_at = self.before(&task);
        let outcome = self.execute(&task).await?;
        self.after(&task, started_at, outcome).await
    }

    async fn acquire(&self) -> Result<Option<Task>, Error> {
        let (instance, kinds) = (self.engine.instance(), self.registry.kinds());
        let task = self.store.try_acquire_task(instance, &kinds).await?;
        if let Some(task) = &task {
            self.engine.task_started(task.id);
            // Where there was one task, there may be others: one wake-up can stand for many.
            self.store.wake_up().wake_one();
            info!(worker = self.index, task = task.id, "task acquired");
        }
        Ok(task)
    }

    fn before(&self, task: &Task) -> Instant {
        info!(
            worker = self.index,
            task = task.id,
            kind = task.kind,
            "task started"
        );
        Instant::now()
    }

    async fn execute(&self, task: &Task) -> Result<Outcome, Error> {
        self.registry.execute(task.clone()).await
    }

    async fn after(&self, task: &Task, started_at: Instant, outcome: Outcome) -> Result<(), Error> {
        let elapsed_ms = started_at.elapsed().as_millis();
        let error = outcome
            .as_ref()
            .err()
            .map(|error| error.message().to_owned());
        let retry = &self.config.retry;
        let status = self.store.end_task(task.id, outcome, retry).await?;
        self.engine.task_ended(task.id);
        if let Some(error) = error {
            error!(
                worker = self.index,
                task = task.id,
                elapsed_ms,
                error,
                retry = status == TaskStatus::Waiting,
                "task failed"
            );
            return Ok(());
        }
        info!(
            worker = self.index,
            task = task.id,
            elapsed_ms,
            "task finished"
        );
        Ok(())
    }
}
