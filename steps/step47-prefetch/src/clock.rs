use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::sleep;

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

    /// The time after this duration; the last one that the calendar has, if it is longer.
    pub(crate) fn after(&self, duration: Duration) -> Timestamp {
        self.now().checked_add(duration).unwrap_or(Timestamp::MAX)
    }

    /// Sleeps until this time: that of a manual clock comes when it is told to move.
    pub async fn sleep_until(&self, at: Timestamp) {
        if let Some(manual) = &self.manual {
            // The only error is a clock that is gone, and this is one of its clones.
            let _ = manual.subscribe().wait_for(|now| *now >= at).await;
        } else {
            let time = Duration::try_from(at.duration_since(self.now()));
            sleep(time.unwrap_or_default()).await;
        }
    }

    /// Reads the time.
    pub fn now(&self) -> Timestamp {
        let manual = self.manual.as_ref().map(|manual| *manual.borrow());
        manual.unwrap_or_else(Timestamp::now)
    }
}
