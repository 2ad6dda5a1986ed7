use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

/// Stops an engine, from anywhere; cheap to clone.
#[derive(Debug, Clone)]
pub struct EngineHandle {
    running: watch::Sender<bool>,
    executed: Arc<AtomicU64>,
}

impl EngineHandle {
    pub(crate) fn new() -> Self {
        Self {
            running: watch::Sender::new(true),
            executed: Arc::default(),
        }
    }

    /// Whether the engine still starts tasks.
    pub fn is_running(&self) -> bool {
        *self.running.borrow()
    }

    /// How many executions the engine has ended, well or not.
    pub fn executed(&self) -> u64 {
        self.executed.load(Ordering::Relaxed)
    }

    pub(crate) fn count_execution(&self) {
        self.executed.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits until the engine is asked to stop; returns at once if it was already.
    pub async fn stopping(&self) {
        let mut running = self.running.subscribe();
        // The only error is a sender that is gone, and this handle holds one.
        let _ = running.wait_for(|running| !running).await;
    }

    /// Asks the engine to stop, and returns at once: running tasks end, or are put back once
    /// [`Config::grace`](crate::Config::grace) is over, and no other starts.
    pub fn stop(&self) {
        self.running.send_replace(false);
    }
}
