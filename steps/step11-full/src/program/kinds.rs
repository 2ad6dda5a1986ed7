//! `task-engine kinds`.

use std::collections::BTreeMap;

use comfy_table::{Cell, CellAlignment, Row};
use serde::Serialize;
use task_engine::{Registry, Store};

use super::Failure;
use super::output::{json, one_line, print, table};

#[derive(Serialize)]
struct Kind {
    kind: String,
    /// Whether this program can execute it.
    known: bool,
    waiting: usize,
    description: &'static str,
}

pub async fn kinds(
    store: Option<Store>,
    registry: &Registry,
    as_json: bool,
) -> Result<(), Failure> {
    let known = registry.kinds();
    let mut waiting: BTreeMap<_, _> = known.iter().map(|kind| (kind.clone(), 0)).collect();
    if let Some(store) = store {
        waiting.extend(store.waiting_kinds().await?);
    }
    let kinds = waiting.into_iter().map(|(kind, waiting)| Kind {
        known: known.contains(&kind),
        waiting,
        description: describe(&kind),
        kind,
    });
    let kinds: Vec<_> = kinds.collect();
    print(&if as_json { json(&kinds) } else { show(&kinds) })
}

fn show(kinds: &[Kind]) -> String {
    let rows = kinds.iter().map(|kind| {
        Row::from(vec![
            Cell::new(one_line(&kind.kind)),
            Cell::new(kind.waiting).set_alignment(CellAlignment::Right),
            Cell::new(kind.description),
        ])
    });
    table(&["kind", "waiting", "what it does"], rows)
}

fn describe(kind: &str) -> &'static str {
    match kind {
        "command" => "launches a program: program, arguments, directory, environment",
        "failing" => "divides by zero and panics, or by: divisor",
        "failing_not_retry" => "does the same, and is never retried",
        "failing_not_retry_error" => "divides by zero without a panic, and isn't retried",
        "waiting" => "waits, in seconds: waiting_time",
        _ => "unknown to this program: its tasks are left waiting",
    }
}
