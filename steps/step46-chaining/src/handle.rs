use tokio::sync::watch;

/// Stops an engine, from anywhere; cheap to clone.
#[derive(Debug, Clone)]
pub struct EngineHandle {
    running: watch::Sender<bool>,
}

impl EngineHandle {
    pub(crate) fn new() -> Self {
        Self {
            running: watch::Sender::new(true),
        }
    }

    /// Whether the engine still starts tasks.
    pub fn is_running(&self) -> bool {
        *self.running.borrow()
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
