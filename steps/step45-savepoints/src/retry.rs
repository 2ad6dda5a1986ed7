use std::time::Duration;

use jiff::Timestamp;

use crate::{Task, TaskError};

/// When a task that has failed is executed again.
///
/// Write it as `RetryPolicy { max_retries: 3, ..RetryPolicy::default() }`.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryPolicy {
    /// How many times at most; then the task has failed for good.
    pub max_retries: u32,
    /// How long it waits before the first retry; then twice as long each time.
    pub first_delay: Duration,
    /// How long it waits at most.
    pub max_delay: Duration,
    /// How much longer it may wait, by chance: with 0.1, up to a tenth. Tasks that have failed
    /// together then don't come back together.
    pub jitter: f64,
    /// How many times it is executed again because its engine died: with 0, never.
    pub max_crashes: u32,
}

impl Default for RetryPolicy {
    /// Ten retries after 1, 2, 4 … 512 minutes: most of what is broken is mended within 17 hours.
    fn default() -> Self {
        Self {
            max_retries: 10,
            first_delay: Duration::from_mins(1),
            max_delay: Duration::MAX,
            jitter: 0.0,
            max_crashes: 3,
        }
    }
}

impl RetryPolicy {
    /// No retry at all.
    pub fn never() -> Self {
        Self {
            max_retries: 0,
            ..Self::default()
        }
    }

    /// How long this task waits before it is executed again, after this error; `None` if it
    /// isn't.
    pub fn delay(&self, task: &Task, error: &TaskError) -> Option<Duration> {
        if error.is_permanent() || task.retries >= self.max_retries {
            return None;
        }
        let factor = 2_u32.saturating_pow(task.retries);
        let delay = self.first_delay.saturating_mul(factor).min(self.max_delay);
        Some(error.delay().unwrap_or_else(|| self.lengthen(delay, task)))
    }

    /// The same chance each time, for the same retry of the same task.
    fn lengthen(&self, delay: Duration, task: &Task) -> Duration {
        let seed = task.id.cast_unsigned() ^ u64::from(task.retries) << 48;
        let factor = 1.0 + self.jitter * fastrand::Rng::with_seed(seed).f64();
        Duration::try_from_secs_f64(delay.as_secs_f64() * factor).unwrap_or(delay)
    }
}

/// What becomes of a task whose execution has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It has been executed.
    Stopped,
    /// It has failed, and isn't to be executed again.
    Failed,
    /// It is to be executed again at once, as if it hadn't run.
    PutBack,
    /// It is to be executed again from this time on.
    RetryAt(Timestamp),
}
