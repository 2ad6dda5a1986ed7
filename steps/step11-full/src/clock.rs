use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

/// Where a store reads the time, to the millisecond.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The clock of the system.
    #[default]
    System,
    /// A clock that moves when it is told to; its clones move together. It holds milliseconds
    /// since the Unix epoch, UTC.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// Makes a clock that stays at `now`.
    pub fn manual(now: Timestamp) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(now.as_millisecond())))
    }

    /// Moves a manual clock forward, by whole milliseconds; the system's clock stays as it is.
    pub fn advance(&self, duration: Duration) {
        if let Self::Manual(now) = self {
            let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
            now.fetch_add(millis, Ordering::SeqCst);
        }
    }

    /// Reads the time.
    pub fn now(&self) -> Timestamp {
        let millis = match self {
            Self::System => Timestamp::now().as_millisecond(),
            Self::Manual(now) => now.load(Ordering::SeqCst),
        };
        timestamp(millis)
    }
}

/// A time of the database. One that no calendar has becomes the first one, or the last one: any
/// program can write any number.
pub(crate) fn timestamp(millis: i64) -> Timestamp {
    let limit = if millis < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    Timestamp::from_millisecond(millis).unwrap_or(limit)
}
