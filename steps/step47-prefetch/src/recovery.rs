use std::mem;
use std::sync::Arc;

use serde_json::{Map, Value};
use tracing::{error, warn};

use crate::{Engine, Error, TaskStatus};

/// Puts back the tasks of the engines that are dead.
pub(crate) struct Recovery {
    engine: Arc<Engine>,
    /// The engines that were silent the last time, and the heartbeat after which they were.
    silent: Vec<(i64, i64)>,
    /// How many crashes a task of each kind survives: those of other kinds are left to engines that
    /// know them.
    max_crashes: Value,
}

impl Recovery {
    pub fn new(engine: Arc<Engine>) -> Self {
        let kinds = engine.registry.kinds().into_iter();
        let max_crashes: Map<_, _> = kinds
            .map(|kind| {
                let max_crashes = engine.retry_policy(&kind).max_crashes;
                (kind, max_crashes.into())
            })
            .collect();
        Self {
            silent: Vec::new(),
            max_crashes: max_crashes.into(),
            engine,
        }
    }

    /// Looks for ever, twice a lease: between two looks all that are alive say so, even late.
    pub async fn run(mut self) -> Result<(), Error> {
        let clock = self.engine.store.clock().clone();
        loop {
            let next = clock.after(self.engine.config.lease / 2);
            clock.sleep_until(next).await;
            if let Err(error) = self.look().await {
                // The next look may see more.
                error!(error = error.with_causes(), "recovery failed");
            }
        }
    }

    async fn look(&mut self) -> Result<(), Error> {
        let store = &self.engine.store;
        let (judge, silent) = (self.engine.number(), mem::take(&mut self.silent));
        let (dead, silent) = store.find_dead(judge, silent).await?;
        self.silent = silent;
        for engine in dead {
            warn!(engine, "engine is dead");
        }
        let mut refused = Vec::new();
        // A batch at a time: the others have their turns in between.
        loop {
            let max_crashes = self.max_crashes.clone();
            let stranded = store.recover(judge, max_crashes, refused.clone()).await?;
            if stranded.is_empty() {
                return Ok(());
            }
            for (task, put_back) in stranded {
                let (task, engine) = (task.id, task.engine);
                match put_back {
                    Ok(TaskStatus::Waiting) => {
                        warn!(task, engine, "task put back: its engine is dead");
                    }
                    Ok(TaskStatus::Cancelled) => warn!(task, engine, "task cancelled"),
                    Ok(_) => error!(task, engine, "task failed: too many engines have died"),
                    Err(error) => {
                        error!(task, engine, error, "task can't be put back");
                        refused.push(task);
                    }
                }
            }
        }
    }
}
