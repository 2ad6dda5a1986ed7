use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::Task;

/// What a worker does with a task, from its start to its end.
#[derive(Debug, Clone)]
pub struct Execution {
    /// The task that is executed.
    pub task: Task,
    pub(crate) cancellation: CancellationToken,
    started_at: Instant,
}

impl Execution {
    /// Begins now.
    pub fn of(task: Task) -> Self {
        Self {
            task,
            cancellation: CancellationToken::new(),
            started_at: Instant::now(),
        }
    }

    /// How long it has lasted so far, in milliseconds.
    pub fn elapsed_ms(&self) -> u128 {
        self.started_at.elapsed().as_millis()
    }
}

/// What has become of the end of an execution.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The store has taken note of it.
    Ended,
    /// So it has, and the task isn't executed again: somebody has cancelled it meanwhile.
    Cancelled,
    /// The task isn't running any more, somebody else has seen to that: nothing has changed.
    Lost,
}

impl Ending {
    /// Lost, unless the task was found running.
    pub(crate) fn of(found: bool) -> Self {
        if found { Self::Ended } else { Self::Lost }
    }
}
