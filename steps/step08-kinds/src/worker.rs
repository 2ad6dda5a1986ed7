use std::sync::Arc;

use tracing::{error, info, warn};

use crate::{Context, Ending, Engine, Error, Execution, Task};

/// Takes the tasks one after the other and executes them.
#[derive(Debug)]
pub struct Worker {
    index: u16,
    engine: Arc<Engine>,
}

impl Worker {
    /// Makes a worker of this engine; its index tells it from the others in the log.
    pub(crate) fn new(index: u16, engine: Arc<Engine>) -> Self {
        Self { index, engine }
    }

    /// Executes tasks until none is waiting, or the engine is asked to stop. Dropping this future
    /// stops it where it is: the task that it executes is cut short, and stays marked as running.
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
        let execution = self.before(task);
        self.execute(&execution).await?;
        self.after(execution).await
    }

    async fn acquire(&self) -> Result<Option<Task>, Error> {
        let task = self.engine.acquire().await?;
        if let Some(task) = &task {
            info!(worker = self.index, task = task.id, "task acquired");
        }
        Ok(task)
    }

    fn before(&self, task: Task) -> Execution {
        info!(worker = self.index, task = task.id, "task started");
        Execution::of(task)
    }

    async fn execute(&self, execution: &Execution) -> Result<(), Error> {
        let task = execution.task.clone();
        self.engine.registry.execute(Context { task }).await
    }

    async fn after(&self, execution: Execution) -> Result<(), Error> {
        let elapsed_ms = execution.elapsed_ms();
        let (worker, task) = (self.index, execution.task.id);
        match self.engine.store.end(&execution).await {
            Ok(Ending::Ended) => info!(worker, task, elapsed_ms, "task finished"),
            Ok(Ending::Lost) => {
                warn!(
                    worker,
                    task, elapsed_ms, "task lost: it isn't ours any more"
                );
            }
            Err(error) if error.is_refusal() => {
                // It stays as it is, for somebody to see, and the others go on.
                let error = error.with_causes();
                error!(worker, task, error, "task can't be ended");
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
