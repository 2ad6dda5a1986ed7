use std::collections::VecDeque;
use std::time::Duration;
use std::{mem, panic};

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::{Acquired, Config, EngineHandle, Error, Task};

/// How many tasks an engine has begun at most, unless it has more workers, whose ends aren't committed.
const HELD: usize = 256;

/// What a worker has acquired ahead, and the ends that it hasn't waited for.
#[derive(Debug)]
pub(crate) struct Batch {
    /// How many tasks to acquire ahead: none, until some were short.
    pub size: usize,
    pub waiting: VecDeque<Task>,
    pub ends: JoinSet<Result<Acquired, Error>>,
    largest: usize,
    spent: Duration,
    ahead: Duration,
    acquired_at: Instant,
}

impl Batch {
    pub fn new(config: &Config) -> Self {
        Self {
            size: 0,
            waiting: VecDeque::new(),
            ends: JoinSet::new(),
            largest: (HELD / usize::from(config.workers)).saturating_sub(1),
            spent: Duration::ZERO,
            ahead: config.ahead,
            acquired_at: Instant::now(),
        }
    }

    /// With these, that wait from now on.
    pub fn fill(&mut self, tasks: Vec<Task>) {
        self.acquired_at = Instant::now();
        self.waiting = tasks.into();
    }

    /// Notes how long an execution has taken. After the last one, that tells how many come next: they
    /// should wait for half of the time that they may.
    pub fn count(&mut self, elapsed: Duration) {
        self.spent += elapsed;
        if self.waiting.is_empty() {
            let spent = mem::take(&mut self.spent);
            if spent < self.ahead / 4 {
                self.size = (self.size * 2 + 1).min(self.largest);
            } else if spent > self.ahead / 2 {
                self.size /= 2;
            }
        }
    }

    /// Waits until those that wait are to be given back.
    pub async fn overdue(&self, engine: &EngineHandle) {
        tokio::select! {
            () = sleep(self.ahead.saturating_sub(self.acquired_at.elapsed())) => (),
            () = engine.stopping() => (),
        }
    }

    /// Waits until the ends are committed: the error is the first one of theirs.
    pub async fn settle(&mut self) -> Result<(), Error> {
        while let Some(ended) = self.ends.join_next().await {
            ended.unwrap_or_else(|error| panic::resume_unwind(error.into_panic()))?;
        }
        Ok(())
    }
}
