//! The values of the database: any program can write any bytes there.

use std::str;

use jiff::Timestamp;
use rusqlite::types::ValueRef;
use serde_json::Value;

/// A text, whose bytes that aren't UTF-8 become U+FFFD.
pub(super) fn text(value: ValueRef) -> String {
    String::from_utf8_lossy(value.as_bytes().unwrap_or_default()).into_owned()
}

/// A value, unless it is NULL.
pub(super) fn option(value: ValueRef) -> Option<ValueRef> {
    (value != ValueRef::Null).then_some(value)
}

/// A time. One that no calendar has becomes the first one, or the last one.
pub(super) fn time(millis: i64) -> Timestamp {
    let (first, last) = (Timestamp::MIN, Timestamp::MAX);
    let millis = millis.clamp(first.as_millisecond(), last.as_millisecond());
    Timestamp::from_millisecond(millis).unwrap_or(last)
}

/// A JSON value; what can't be read as such is a text, so that nobody takes it for what it isn't.
pub(super) fn json(value: ValueRef) -> Value {
    let utf8 = str::from_utf8(value.as_bytes().unwrap_or_default());
    let read = utf8.ok().and_then(|utf8| serde_json::from_str(utf8).ok());
    read.unwrap_or_else(|| Value::String(text(value)))
}
