//! `kinds`: what this program can execute, what waits and runs, and what is paused.

use std::path::Path;

use anyhow::Result;
use comfy_table::{Cell, CellAlignment, Row};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use step53_progress::{KindRecord, Reader};

use super::output::{self, clean, table, write};
use super::tasks::describe;
use super::tasks::registry;

/// What `--json` shows.
#[derive(Serialize)]
struct Document<'r> {
    #[serde(flatten)]
    record: &'r KindRecord,
    description: &'static str,
}

pub async fn kinds(database: &Path, json: bool) -> Result<()> {
    let registry = registry();
    let records = if database.try_exists().unwrap_or(true) {
        Reader::open(database)?.kinds(&registry).await?
    } else {
        // There is still what is known.
        registry.kinds().into_iter().map(known).collect()
    };
    if json {
        let documents = records.iter().map(|record| Document {
            record,
            description: describe(&record.kind),
        });
        return write(&output::json(&documents.collect::<Vec<_>>())?);
    }
    let titles = ["kind", "waiting", "running", "notes", "what it does"];
    write(&table(&titles, records.iter().map(row)))
}

fn known(kind: String) -> KindRecord {
    let mut record = KindRecord::default();
    (record.kind, record.known) = (kind, true);
    record
}

fn row(record: &KindRecord) -> Row {
    let (waiting, running) = (record.waiting, record.running);
    let all = waiting < KindRecord::COUNTED;
    let more = if all { " " } else { "+" };
    let since = record.paused_at.map(|since| format!("{since:.0}"));
    let since = since.unwrap_or_default();
    let kind = record.kind.replace('\n', " ");
    let paused = ["  paused since ", ""][usize::from(since.is_empty())];
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
    let notes = format!("{age}{bound}{limit}{per_key}{rate}{paused}{since}");
    let count = |text| Cell::new(text).set_alignment(CellAlignment::Right);
    Row::from(vec![
        Cell::new(clean(&kind)),
        count(format!("{waiting}{more}")),
        count(running.to_string()),
        Cell::new(notes.trim_start()),
        Cell::new(describe(&record.kind)),
    ])
}
