use std::sync::Arc;

use serde_json::Value;
use tracing::{error, info, warn};

use crate::{Acquired, Context, Ending, Engine, Error, Execution, Outcome, Task};

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

    /// Executes tasks, and sleeps when none waits, until the engine is asked to stop. Dropping this
    /// future stops it where it is: the task that it executes is cut short, and stays marked as
    /// running.
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
            self.engine.sleep().await;
        }
        info!(worker = self.index, "worker stopped");
        Ok(())
    }

    async fn process(&self, task: Task) -> Result<(), Error> {
        let execution = self.before(task);
        let outcome = self.execute(&execution).await;
        self.after(execution, outcome).await
    }

    async fn acquire(&self) -> Result<Option<Task>, Error> {
        let acquired = self.engine.acquire().await;
        if let Err(error) = &acquired
            && error.is_refusal()
        {
            // It stays as it is: the next wake-up tries again.
            let error = error.with_causes();
            error!(worker = self.index, error, "task can't be started");
            return Ok(None);
        }
        let Acquired { task, more } = acquired?;
        if more {
            // One wake-up may stand for many tasks.
            self.engine.wake_up.wake_one();
        }
        if let Some(task) = &task {
            info!(worker = self.index, task = task.id, "task acquired");
        }
        Ok(task)
    }

    fn before(&self, task: Task) -> Execution {
        info!(worker = self.index, task = task.id, "task started");
        Execution::of(task)
    }

    async fn execute(&self, execution: &Execution) -> Outcome {
        let task = execution.task.clone();
        self.engine.registry.execute(Context { task }).await
    }

    async fn after(&self, execution: Execution, outcome: Outcome) -> Result<(), Error> {
        let elapsed_ms = execution.elapsed_ms();
        let (worker, task) = (self.index, execution.task.id);
        if let Err(error) = &outcome {
            // It stays marked as running: there is no word yet for what it is.
            error!(worker, task, %error, "task can't be executed");
            return Ok(());
        }
        let result = outcome.unwrap_or_default();
        let mut ended = self.engine.store.end(&execution, &result).await;
        if let Err(refusal) = &ended
            && refusal.is_refusal()
        {
            let error = refusal.with_causes();
            warn!(worker, task, error, "the result can't be kept");
            ended = self.engine.store.end(&execution, &Value::Null).await;
        }
        match ended {
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
