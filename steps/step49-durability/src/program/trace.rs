//! `trace`: the tasks that belong together.

use std::{env, iter};

use anyhow::{Result, bail};
use jiff::Timestamp;
use step49_durability::{Reader, TracedTask};

use super::output::print;

/// How wide the tree is; the waterfall has the rest.
const TREE: usize = 43;

pub async fn trace(reader: &Reader, what: &str, json: bool) -> Result<()> {
    let tasks = reader.trace(what).await?;
    if json {
        return print(&[serde_json::to_string_pretty(&tasks)?]);
    }
    let Some(first) = tasks.first() else {
        bail!("no task belongs to {what:?}");
    };
    let now = Timestamp::now();
    let created_at = tasks.iter().map(|traced| traced.task.created_at);
    let ended_at = tasks.iter().map(|traced| end_of(traced, now));
    let waterfall = Waterfall {
        start: created_at.min().unwrap_or(now),
        end: ended_at.max().unwrap_or(now),
        now,
        width: columns().saturating_sub(TREE).max(10),
    };
    let whole = waterfall.end.duration_since(waterfall.start);
    let correlation = first.task.correlation.replace('\n', " ");
    let title = format!("{correlation}, in {whole:#}");
    let lines = tasks.iter().map(|traced| waterfall.line(traced));
    print(&iter::once(title).chain(lines).collect::<Vec<_>>())
}

/// Those of the terminal, or as `COLUMNS` says; 80 elsewhere.
fn columns() -> usize {
    let asked = env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let found = || terminal_size::terminal_size().map(|(width, _)| width.0.into());
    // A terminal of no columns is one that doesn't know.
    asked
        .or_else(found)
        .filter(|columns| *columns > 0)
        .unwrap_or(80)
}

fn end_of(traced: &TracedTask, now: Timestamp) -> Timestamp {
    let last = traced.executions.last();
    last.map_or(traced.task.created_at, |last| {
        last.stopped_at.unwrap_or(now)
    })
}

struct Waterfall {
    start: Timestamp,
    end: Timestamp,
    now: Timestamp,
    width: usize,
}

impl Waterfall {
    fn line(&self, traced: &TracedTask) -> String {
        let task = &traced.task;
        // Beyond ten generations, they are all shown at the same depth.
        let name = "  ".repeat(traced.depth.min(10)) + &task.kind.replace('\n', " ");
        let name: String = name.chars().take(20).collect();
        let retries = match task.retries {
            0 => String::new(),
            retries => format!("↻{retries}"),
        };
        let (id, status, bar) = (task.id, &task.status, self.bar(traced));
        let line = format!("{id:>6}  {status:<9} {name:<20} {retries:<3} {bar}");
        line.trim_end().to_owned()
    }

    fn bar(&self, traced: &TracedTask) -> String {
        let mut bar = vec![' '; self.width];
        let mut fill = |from, to, with| {
            // Whatever the clock has done meanwhile.
            let (from, to) = (self.column(from), self.column(to));
            bar[from..=to.max(from)].fill(with);
        };
        fill(traced.task.created_at, end_of(traced, self.now), '·');
        for execution in &traced.executions {
            let with = match execution.status.as_str() {
                "success" => '█',
                "failure" => '▒',
                _ => '░',
            };
            let stopped_at = execution.stopped_at.unwrap_or(self.now);
            fill(execution.started_at, stopped_at, with);
        }
        bar.into_iter().collect()
    }

    fn column(&self, time: Timestamp) -> usize {
        let (part, whole) = (
            time.duration_since(self.start),
            self.end.duration_since(self.start),
        );
        let last = i128::try_from(self.width - 1).unwrap_or(i128::MAX);
        let column = part.as_millis() * last / whole.as_millis().max(1);
        usize::try_from(column.clamp(0, last)).unwrap_or(0)
    }
}
