use std::sync::Arc;

use tokio_util::task::AbortOnDropHandle;
use tracing::{error, info, warn};

use crate::trace::PanicPlace;
use crate::{Acquired, Context, Ending, Engine, Error, Execution, Next, Outcome, Task, TaskError};

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
        let Acquired { task, next } = acquired?;
        if let Some(next) = next {
            // At once, if it is due already: one wake-up may stand for many tasks.
            self.engine.alarm.set(next);
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
        let registry = self.engine.registry.clone();
        // Apart from the worker, which a panic must not reach, wherever in the code it comes from;
        // but if the worker is dropped, so is this.
        let place = PanicPlace::default();
        let code = async move { registry.execute(Context { task }).await };
        let code = tokio::spawn(place.note(code));
        AbortOnDropHandle::new(code).await.unwrap_or_else(|error| {
            let panic = error.try_into_panic();
            let told = |panic| TaskError::of_panic(panic, place.take());
            Err(panic.map_or_else(TaskError::from, told))
        })
    }

    async fn after(&self, execution: Execution, outcome: Outcome) -> Result<(), Error> {
        let elapsed_ms = execution.elapsed_ms();
        let (worker, task) = (self.index, execution.task.id);
        let mut next = self.engine.next(&execution.task, &outcome);
        let failure = outcome.as_ref().err();
        let mut failure = failure.map(|error| error.message().to_owned());
        let mut ended = self.engine.store.end(&execution, outcome, next).await;
        if let Err(refusal) = &ended
            && refusal.is_refusal()
        {
            let error = format!("the result can't be kept: {}", refusal.with_causes());
            failure = Some(error.clone());
            next = Next::Failed;
            ended = self
                .engine
                .store
                .end(&execution, Err(error.into()), next)
                .await;
        }
        match ended {
            Ok(Ending::Ended) => match failure {
                None => info!(worker, task, elapsed_ms, "task finished"),
                Some(error) => error!(worker, task, elapsed_ms, error, ?next, "task failed"),
            },
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
