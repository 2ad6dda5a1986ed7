//! `kinds`: what this program can execute, what waits and runs, and what is paused.

use std::path::Path;

use anyhow::Result;
use step34_uniqueness::{KindRecord, Reader};

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
    format!("{kind:<24}  {waiting:>6}{more} waiting  {running:>6} running{paused}{since}{unknown}")
}
