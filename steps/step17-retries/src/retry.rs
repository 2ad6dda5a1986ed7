use std::time::Duration;

use jiff::Timestamp;

/// When a task that has failed is executed again.
///
/// Write it as `RetryPolicy { max_retries: 3, ..RetryPolicy::default() }`.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryPolicy {
    /// How many times at most; then the task has failed for good.
    pub max_retries: u32,
    /// How long it waits before the first retry; then twice as long each time.
    pub first_delay: Duration,
}

impl Default for RetryPolicy {
    /// Ten retries after 1, 2, 4 … 512 minutes: most of what is broken is mended within 17 hours.
    fn default() -> Self {
        Self {
            max_retries: 10,
            first_delay: Duration::from_mins(1),
        }
    }
}

impl RetryPolicy {
    /// How long a task waits before it is executed again, after so many retries; `None` if it
    /// isn't.
    pub fn delay(&self, retries: u32) -> Option<Duration> {
        let factor = 2_u32.saturating_pow(retries);
        (retries < self.max_retries).then(|| self.first_delay.saturating_mul(factor))
    }
}

/// What becomes of a task whose execution has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It has been executed.
    Stopped,
    /// It has failed, and isn't to be executed again.
    Failed,
    /// It is to be executed again from this time on.
    RetryAt(Timestamp),
}
