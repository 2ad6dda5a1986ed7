//! The times that an expression names. The library that reads it knows another version of the
//! calendar than this one: nothing of either leaves this file, milliseconds do.

use croner::Cron;
use croner::errors::CronError;
use jiff::Timestamp;
use jiff_02::tz::TimeZone;

/// The first time after this one that the expression names, if there is one; or what is wrong. That
/// there is none may take half a second to find.
pub(crate) fn next_after(
    expression: &str,
    time_zone: &str,
    after: Timestamp,
) -> Result<Option<Timestamp>, String> {
    let zone = TimeZone::get(time_zone).map_err(|error| error.to_string())?;
    let cron = expression.parse::<Cron>();
    let cron = cron.map_err(|error| format!("the expression \"{expression}\": {error}"))?;
    let after = jiff_02::Timestamp::from_millisecond(after.as_millisecond());
    let after = after.map_err(|error| error.to_string())?.to_zoned(zone);
    match cron.find_next_occurrence(&after, false) {
        Ok(next) => Ok(Timestamp::from_millisecond(next.timestamp().as_millisecond()).ok()),
        Err(CronError::TimeSearchLimitExceeded) => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}
