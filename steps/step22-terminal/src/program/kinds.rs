//! `kinds`: what this program can execute, and what waits.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use comfy_table::{Cell, CellAlignment, Row};
use serde::Serialize;
use step22_terminal::Reader;

use super::output::{json, one_line, table, write};
use super::tasks::{describe, registry};

#[derive(Serialize)]
struct Line {
    kind: String,
    /// Whether this program can execute it.
    known: bool,
    waiting: u64,
    description: &'static str,
}

pub async fn kinds(database: &Path, as_json: bool) -> Result<()> {
    let known = registry().kinds();
    let mut waiting: BTreeMap<_, _> = known.iter().map(|kind| (kind.clone(), 0)).collect();
    // Without a database, there is still what is known.
    if database.exists() {
        waiting.extend(Reader::open(database)?.count_waiting().await?);
    }
    let kinds: Vec<_> = waiting
        .into_iter()
        .map(|(kind, waiting)| Line {
            known: known.contains(&kind),
            waiting,
            description: describe(&kind),
            kind,
        })
        .collect();
    if as_json {
        return write(&json(&kinds)?);
    }
    let rows = kinds.iter().map(|kind| {
        Row::from(vec![
            Cell::new(one_line(&kind.kind)),
            Cell::new(kind.waiting).set_alignment(CellAlignment::Right),
            Cell::new(kind.description),
        ])
    });
    write(&table(&["kind", "waiting", "what it does"], rows))
}
