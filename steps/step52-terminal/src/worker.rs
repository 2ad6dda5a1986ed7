use std::mem;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use tokio_util::task::AbortOnDropHandle;
use tracing::{Instrument, Span, error, info, info_span, warn};

use crate::batch::Batch;
use crate::trace::PanicPlace;
use crate::{Acquired, Ending, Engine, Error, Execution, Next, Outcome, Task, TaskError};

/// How long code that is cut short may take to be gone.
const ABORTION: Duration = Duration::from_millis(100);

/// Takes the tasks one after the other and executes them.
#[derive(Debug, Clone)]
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
    /// running; or the next one does, and those that it has acquired ahead.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn run(self) -> Result<(), Error> {
        let mut batch = Batch::new(&self.engine.config);
        while self.engine.is_running() {
            let mut acquired = self.acquire(batch.size).await;
            while let Some(task) = self.note(acquired, &mut batch)? {
                let span = execution_span(&task);
                acquired = self.process(task, &mut batch).instrument(span).await;
            }
            batch.size = 0;
            self.engine.sleep().await;
        }
        info!(worker = self.index, "worker stopped");
        Ok(())
    }

    /// Says what was acquired when the task had ended.
    async fn process(&self, task: Task, batch: &mut Batch) -> Result<Acquired, Error> {
        let (execution, begun_at) = (self.before(task), Instant::now());
        let outcome = {
            let (mut code, handle) = (pin!(self.execute(&execution)), self.engine.handle());
            tokio::select! {
                outcome = &mut code => outcome,
                () = batch.overdue(&handle), if !batch.waiting.is_empty() => {
                    let (given, outcome) = tokio::join!(self.give_back(batch), code);
                    given.map(|()| outcome)?
                }
            }
        };
        let held = !batch.waiting.is_empty();
        if held && (!self.engine.is_running() || self.engine.is_any_cancelled(&batch.waiting)) {
            self.give_back(batch).await?;
        }
        batch.count(begun_at.elapsed());
        let acquired = if batch.waiting.is_empty() && batch.size == 0 {
            self.after(execution, outcome, true).await
        } else {
            let (worker, succeeded) = (self.clone(), outcome.is_ok());
            let end = async move { worker.after(execution, outcome, false).await };
            batch.ends.spawn(end.in_current_span());
            // What has failed may be due again: who looks for the next task must find it.
            if !succeeded {
                batch.settle().await?;
            }
            if !batch.waiting.is_empty() {
                return Ok(Acquired::default());
            }
            self.acquire(batch.size).await
        };
        batch.settle().await.and(acquired)
    }

    /// Lets others have the tasks that were acquired ahead.
    async fn give_back(&self, batch: &mut Batch) -> Result<(), Error> {
        let tasks = Vec::from(mem::take(&mut batch.waiting));
        let (worker, count) = (self.index, tasks.len());
        batch.size = 0;
        let Err(error) = self.engine.store.give_back(tasks).await else {
            info!(parent: None, worker, count, "tasks given back");
            return Ok(());
        };
        // Refused, they stay as they are, for somebody to see.
        let refusal = error.is_refusal().then(|| error.with_causes());
        let error = refusal.ok_or(error)?;
        error!(parent: None, worker, count, error, "tasks can't be given back");
        Ok(())
    }

    async fn acquire(&self, ahead: usize) -> Result<Acquired, Error> {
        if !self.engine.is_running() {
            return Ok(Acquired::default());
        }
        // None waits here while another worker sleeps.
        let ahead = ahead * usize::from(!self.engine.is_any_asleep());
        let selection = self.engine.selection();
        self.engine.store.try_acquire_tasks(&selection, ahead).await
    }

    /// What is said of a task is said outside of the execution of the one before it.
    fn note(
        &self,
        acquired: Result<Acquired, Error>,
        batch: &mut Batch,
    ) -> Result<Option<Task>, Error> {
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
            ahead,
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
        let task = task.or_else(|| batch.waiting.pop_front());
        if let Some(task) = &task {
            info!(worker = self.index, task = task.id, "task acquired");
        }
        if !ahead.is_empty() {
            let (worker, count) = (self.index, ahead.len());
            info!(worker, count, "tasks acquired ahead");
            batch.fill(ahead);
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

    /// Acquires the next task, too, if it is asked to.
    async fn after(
        &self,
        execution: Execution,
        outcome: Outcome,
        chained: bool,
    ) -> Result<Acquired, Error> {
        let elapsed_ms = execution.elapsed_ms();
        let (worker, task) = (self.index, execution.task.id);
        let mut next = self.engine.next(&execution.task, &outcome);
        let failure = outcome.as_ref().err();
        let mut failure = failure.map(|error| error.message().to_owned());
        let (selection, engine) = (self.engine.selection(), self.engine.handle());
        let store = &self.engine.store;
        let both = store.end_and_acquire(&execution, outcome.clone(), next, &selection, engine);
        let both = if chained { both.await.ok() } else { None };
        let (mut ended, acquired) = match both {
            Some((ending, acquired)) => (Ok(ending), Some(acquired)),
            // Neither is done. Each by itself: what is wrong with one is no harm to the other.
            None => (store.end(&execution, outcome, next).await, None),
        };
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
        match acquired {
            None if chained => self.acquire(0).await,
            acquired => Ok(acquired.unwrap_or_default()),
        }
    }
}

/// What all the lines of the log of an execution begin with, those of the task too.
fn execution_span(task: &Task) -> Span {
    let (id, kind, correlation) = (task.id, &task.kind, &task.correlation);
    info_span!("execution", task = id, kind, correlation)
}
