//! Tasks that fail, to see what becomes of them.

use serde::{Deserialize, Serialize};
use step50_command::{Context, RetryPolicy, TaskError, TaskHandler};

/// Divides by zero, unless it is given another divisor, and panics.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailingTask {
    #[serde(default)]
    divisor: i64,
}

impl TaskHandler for FailingTask {
    const KIND: &'static str = "failing";
    type Output = i64;

    async fn execute(self, _context: &Context) -> Result<i64, TaskError> {
        Ok(1000 / self.divisor)
    }
}

/// Does the same, and is never retried.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailingNotRetryTask {
    #[serde(default)]
    divisor: i64,
}

impl TaskHandler for FailingNotRetryTask {
    const KIND: &'static str = "failing_not_retry";
    type Output = i64;

    fn retry_policy() -> Option<RetryPolicy> {
        Some(RetryPolicy::never())
    }

    async fn execute(self, _context: &Context) -> Result<i64, TaskError> {
        Ok(1000 / self.divisor)
    }
}

/// Divides without a panic: its error says that it isn't worth a retry.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailingNotRetryErrorTask {
    #[serde(default)]
    divisor: i64,
}

impl TaskHandler for FailingNotRetryErrorTask {
    const KIND: &'static str = "failing_not_retry_error";
    type Output = i64;

    async fn execute(self, _context: &Context) -> Result<i64, TaskError> {
        let quotient = 1000_i64.checked_div(self.divisor);
        quotient.ok_or_else(|| TaskError::permanent("can't divide by zero"))
    }
}
