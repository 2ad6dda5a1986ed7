//! `kinds`: what this program can execute, what waits and runs, and what is paused.

use std::path::Path;

use anyhow::Result;
use jiff::{SignedDuration, Timestamp};
use step46_chaining::{KindRecord, Reader};

use super::output::print;
use super::tasks::registry;

pub async fn kinds(database: &Path, json: bool) -> Result<()> {
    let registry = registry();
    let records = if database.try_exists().unwrap_or(true) {
        Reader::open(database)?.kinds(&registry).await?
    } else {
        // There is still what is known.
        registry.kinds().into_iter().map(known).collect()
    };
    if json {
        return print(&[serde_json::to_string_pretty(&records)?]);
    }
    print(&records.iter().map(line).collect::<Vec<_>>())
}

fn known(kind: String) -> KindRecord {
    let mut record = KindRecord::default();
    (record.kind, record.known) = (kind, true);
    record
}

fn line(record: &KindRecord) -> String {
    let (waiting, running) = (record.waiting, record.running);
    let all = waiting < KindRecord::COUNTED;
    let more = if all { " " } else { "+" };
    let since = record.paused_at.map(|since| format!("{since:.0}"));
    let since = since.unwrap_or_default();
    let kind = record.kind.replace('\n', " ");
    let paused = ["  paused since ", ""][usize::from(since.is_empty())];
    let unknown = ["  unknown to this program", ""][usize::from(record.known)];
    let age = |since| Timestamp::now().duration_since(since).as_secs();
    let age = record.oldest_since.map(age).filter(|age| *age >= 0);
    let age = age.map(|age| format!("  oldest due {:#} ago", SignedDuration::from_secs(age)));
    let bound = record.max_waiting.map(|n| format!("  at most {n} waiting"));
    let limit = record.max_running.map(|n| format!("  at most {n} running"));
    let per_key = record
        .max_per_key
        .map(|n| format!("  at most {n} running per key"));
    let period = record.period_ms.map(SignedDuration::from_millis);
    let rate = record.max_starts.zip(period);
    let rate = rate.map(|(n, period)| format!("  at most {n} starting in {period:#}"));
    let rate = rate.unwrap_or_default();
    let (age, bound) = (age.unwrap_or_default(), bound.unwrap_or_default());
    let (limit, per_key) = (limit.unwrap_or_default(), per_key.unwrap_or_default());
    let notes = format!("{age}{bound}{limit}{per_key}{rate}{paused}{since}{unknown}");
    format!("{kind:<24}  {waiting:>6}{more} waiting  {running:>6} running{notes}")
}
