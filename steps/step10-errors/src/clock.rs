use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Where a store reads the time, in milliseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The clock of the system.
    #[default]
    System,
    /// A clock that moves when it is told to; its clones move together.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// Makes a clock that stays at `now`, in milliseconds since the Unix epoch.
    pub fn manual(now: i64) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(now)))
    }

    /// Moves a manual clock forward, by whole milliseconds; the system's clock stays as it is.
    pub fn advance(&self, duration: Duration) {
        if let Self::Manual(now) = self {
            let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
            now.fetch_add(millis, Ordering::SeqCst);
        }
    }

    /// Reads the time, in milliseconds since the Unix epoch.
    pub fn now(&self) -> i64 {
        match self {
            Self::System => jiff::Timestamp::now().as_millisecond(),
            Self::Manual(now) => now.load(Ordering::SeqCst),
        }
    }
}
