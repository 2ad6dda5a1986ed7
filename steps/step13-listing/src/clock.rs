use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

/// Where a store reads the time; cheap to clone. The default is the clock of the system.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    manual: Option<watch::Sender<Timestamp>>,
}

impl Clock {
    /// Makes a clock that stays at `now` until it is told to move; its clones move together.
    pub fn manual(now: Timestamp) -> Self {
        Self {
            manual: Some(watch::Sender::new(now)),
        }
    }

    /// Moves a manual clock forward; the system's clock stays as it is.
    ///
    /// # Panics
    /// If no calendar goes so far.
    pub fn advance(&self, duration: Duration) {
        if let Some(manual) = &self.manual {
            manual.send_modify(|now| *now += duration);
        }
    }

    /// Reads the time.
    pub fn now(&self) -> Timestamp {
        let manual = self.manual.as_ref().map(|manual| *manual.borrow());
        manual.unwrap_or_else(Timestamp::now)
    }
}
