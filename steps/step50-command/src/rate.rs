use std::num::NonZero;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::Error;

/// How many tasks of a kind may start in how long a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many may start in any time as long as the period, whenever it begins.
    pub starts: NonZero<u32>,
    /// The period: whole milliseconds, the last one counted in full.
    pub period: Duration,
}

impl Rate {
    /// The period in milliseconds: as many as there are starts, or more; a hundred years, or less.
    pub(crate) fn period_ms(self) -> Result<i64, Error> {
        let Self { starts, period } = self;
        let possible: RangeInclusive<i64> = starts.get().into()..=3_155_760_000_000;
        let period_ms = i64::try_from(period.as_nanos().div_ceil(1_000_000)).ok();
        let period_ms = period_ms.filter(|period| possible.contains(period));
        period_ms.ok_or(Error::Rate { starts, period })
    }
}
