use std::time::Duration;

/// When a task that has failed is executed again.
#[derive(Debug, Clone)]
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
    /// How long to wait before the next retry, after so many of them; `None` for no more retries.
    pub fn delay(&self, retries: u32) -> Option<Duration> {
        let factor = 2_u32.saturating_pow(retries);
        (retries < self.max_retries).then(|| self.first_delay.saturating_mul(factor))
    }
}
