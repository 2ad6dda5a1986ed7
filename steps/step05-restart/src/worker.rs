use tokio::time::Instant;
use tracing::info;

use crate::{EngineHandle, Error, Handler, Store, Task};

/// Takes the tasks one after the other and executes them.
pub struct Worker {
    index: u16,
    engine: EngineHandle,
    store: Store,
    handler: Handler,
}

impl Worker {
    /// Makes a worker that takes its tasks in this store and executes them with this handler;
    /// its index tells it from the others in the log.
    pub fn new(index: u16, engine: EngineHandle, store: Store, handler: Handler) -> Self {
        Self {
            index,
            engine,
            store,
            handler,
        }
    }

    /// Executes tasks until none is waiting or the engine is asked to stop.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn run(self) -> Result<(), Error> {
        while self.engine.is_running()
            && let Some(task) = self.acquire().await?
        {
            self.process(task).await?;
        }
        info!(worker = self.index, "worker stopped");
        Ok(())
    }

    async fn process(&self, task: Task) -> Result<(), Error> {
        let started_at = self.before(&task);
        self.execute(&task).await;
        self.after(&task, started_at).await
    }

    async fn acquire(&self) -> Result<Option<Task>, Error> {
        let task = self.store.try_acquire_task(self.engine.instance()).await?;
        if let Some(task) = &task {
            self.engine.task_started(task.id);
            info!(worker = self.index, task = task.id, "task acquired");
        }
        Ok(task)
    }

    fn before(&self, task: &Task) -> Instant {
        info!(worker = self.index, task = task.id, "task started");
        Instant::now()
    }

    async fn execute(&self, task: &Task) {
        self.handler.execute(task.clone()).await;
    }

    async fn after(&self, task: &Task, started_at: Instant) -> Result<(), Error> {
        let elapsed_ms = started_at.elapsed().as_millis();
        self.store.end_task(task.id).await?;
        self.engine.task_ended(task.id);
        info!(
            worker = self.index,
            task = task.id,
            elapsed_ms,
            "task finished"
        );
        Ok(())
    }
}
