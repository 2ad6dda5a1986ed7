use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;
use tracing::{Instrument, Span, error, info, info_span, warn};

use crate::trace::PanicPlace;
use crate::{Acquired, Ending, Engine, Error, Execution, Next, Outcome, Task, TaskError};

/// How long code that is cut short may take to be gone.
const ABORTION: Duration = Duration::from_millis(100);

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
                let span = execution_span(&task);
                self.process(task).instrument(span).await?;
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
        let Acquired {
            task,
            next,
            refused,
        } = acquired?;
        if let Some((task, error)) = refused {
            error!(worker = self.index, task, error, "task can't be started");
        }
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
        let (task, cancellation) = (execution.task.clone(), execution.cancellation.clone());
        let (registry, store) = (self.engine.registry.clone(), self.engine.store.clone());
        // Apart from the worker, which a panic must not reach, wherever in the code it comes from;
        // but if the worker is dropped, so is this.
        let place = PanicPlace::default();
        let code = async move { registry.execute(task, store, cancellation).await };
        let code = AbortOnDropHandle::new(tokio::spawn(place.note(code).in_current_span()));
        let abort = code.abort_handle();
        let mut code = pin!(async {
            code.await.unwrap_or_else(|error| {
                let panic = error.try_into_panic();
                let told = |panic| TaskError::of_panic(panic, place.take());
                let cut_short = |_| TaskError::of_crash("cut short".to_owned());
                Err(panic.map_or_else(cut_short, told))
            })
        });
        let interruption = tokio::select! {
            outcome = &mut code => return outcome,
            interruption = self.engine.interruption(&execution.task) => interruption,
        };
        let (worker, task) = (self.index, execution.task.id);
        warn!(worker, task, reason = %interruption, "task is asked to stop");
        execution.cancellation.cancel();
        if let Ok(outcome) = timeout(self.engine.config.cancellation_grace, &mut code).await {
            return outcome.map_err(|error| error.interrupted(interruption));
        }
        abort.abort();
        // Nobody waits for code that keeps its thread busy: it can't be stopped.
        let outcome = timeout(ABORTION, code).await.unwrap_or_else(|_| {
            let busy = "given up: it keeps its thread busy, and can't be stopped";
            Err(TaskError::of_crash(busy.to_owned()))
        });
        outcome.map_err(|error| error.interrupted(interruption))
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
            && next != Next::PutBack
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
                Some(error) if next == Next::PutBack => {
                    warn!(worker, task, elapsed_ms, error, "task put back");
                }
                Some(error) => error!(worker, task, elapsed_ms, error, ?next, "task failed"),
            },
            Ok(Ending::Cancelled) => warn!(worker, task, elapsed_ms, "task cancelled"),
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

/// What all the lines of the log of an execution begin with, those of the task too.
fn execution_span(task: &Task) -> Span {
    let (id, kind, correlation) = (task.id, &task.kind, &task.correlation);
    info_span!("execution", task = id, kind, correlation)
}
