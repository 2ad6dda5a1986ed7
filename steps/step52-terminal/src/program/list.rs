//! `list`: the last tasks.

use anyhow::Result;
use comfy_table::{Cell, CellAlignment, Row};
use step52_terminal::{Filter, Reader, TaskRecord};

use super::cli::ListArguments;
use super::output::{json, one_line, status_cell, table, write};

/// How many characters of the parameters there is room for: `show` shows them all.
/// They are cut before they are laid out, which takes the square of their number.
const ROOM: usize = 60;

pub async fn list(reader: &Reader, arguments: ListArguments) -> Result<()> {
    let filter = match arguments.status {
        Some(status) => Filter::Status(status),
        None if arguments.retrying => Filter::Retrying,
        None => Filter::All,
    };
    let tasks = reader.list_tasks(filter, arguments.limit).await?;
    if arguments.json {
        return write(&json(&tasks)?);
    }
    let titles = ["task", "status", "created", "kind", "parameters"];
    write(&table(&titles, tasks.iter().map(row)))
}

fn row(task: &TaskRecord) -> Row {
    let mut row = Row::from(vec![
        Cell::new(task.id).set_alignment(CellAlignment::Right),
        status_cell(&task.status),
        Cell::new(format!("{:.0}", task.created_at)),
        Cell::new(short(&kind(task))),
        Cell::new(short(&task.parameters.to_string())),
    ]);
    row.max_height(1);
    row
}

fn short(text: &str) -> String {
    let shown: String = text.chars().take(ROOM).collect();
    let more = if shown.len() < text.len() { "…" } else { "" };
    one_line(&shown) + more
}

/// With the priority, unless it is that of most tasks.
fn kind(task: &TaskRecord) -> String {
    match task.priority.as_str() {
        "normal" => task.kind.clone(),
        priority => format!("{} ({priority})", task.kind),
    }
}
