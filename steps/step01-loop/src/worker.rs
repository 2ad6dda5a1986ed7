use tracing::{info, warn};

use crate::{Context, Ending, Error, Execution, Handler, Store, Task};

/// Takes the tasks one after the other and executes them.
#[derive(Debug)]
pub struct Worker {
    store: Store,
    handler: Handler,
}

impl Worker {
    /// Makes a worker that takes its tasks in this store and executes them with this handler.
    pub fn new(store: Store, handler: Handler) -> Self {
        Self { store, handler }
    }

    /// Executes tasks until none is waiting. Dropping this future stops it where it is: the task
    /// that it executes is cut short, and stays marked as running.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn run(self) -> Result<(), Error> {
        while let Some(task) = self.acquire().await? {
            self.process(task).await?;
        }
        Ok(())
    }

    async fn process(&self, task: Task) -> Result<(), Error> {
        let execution = self.before(task);
        self.execute(&execution).await;
        self.after(execution).await
    }

    async fn acquire(&self) -> Result<Option<Task>, Error> {
        let task = self.store.try_acquire_task().await?;
        if let Some(task) = &task {
            info!(task = task.id, "task acquired");
        }
        Ok(task)
    }

    fn before(&self, task: Task) -> Execution {
        info!(task = task.id, "task started");
        Execution::of(task)
    }

    async fn execute(&self, execution: &Execution) {
        let task = execution.task.clone();
        self.handler.execute(Context { task }).await;
    }

    async fn after(&self, execution: Execution) -> Result<(), Error> {
        let elapsed_ms = execution.elapsed_ms();
        let task = execution.task.id;
        match self.store.end(&execution).await? {
            Ending::Ended => info!(task, elapsed_ms, "task finished"),
            Ending::Lost => warn!(task, elapsed_ms, "task lost: it isn't ours any more"),
        }
        Ok(())
    }
}
