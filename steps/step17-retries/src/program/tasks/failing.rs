//! A task that fails, to see what becomes of it.

use serde::{Deserialize, Serialize};
use step17_retries::{Context, TaskError, TaskHandler};

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
