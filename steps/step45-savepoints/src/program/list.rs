//! `list`: the last tasks.

use anyhow::Result;
use step45_savepoints::{Filter, Reader, TaskRecord};

use super::cli::ListArguments;
use super::output::print;

/// How many characters of the parameters there is room for: `show` shows them all.
const ROOM: usize = 60;

pub async fn list(reader: &Reader, arguments: ListArguments) -> Result<()> {
    let filter = match arguments.status {
        Some(status) => Filter::Status(status),
        None if arguments.retrying => Filter::Retrying,
        None => Filter::All,
    };
    let tasks = reader.list_tasks(filter, arguments.limit).await?;
    let lines: Vec<_> = tasks.iter().map(line).collect();
    print(&lines)
}

fn line(task: &TaskRecord) -> String {
    let parameters = task.parameters.to_string();
    let shown: String = parameters.chars().take(ROOM).collect();
    let more = if shown.len() < parameters.len() {
        "…"
    } else {
        ""
    };
    let (id, status, created_at) = (task.id, &task.status, task.created_at);
    let kind = kind(task).replace('\n', " ");
    format!("{id:>6}  {status:<9}  {created_at:.0}  {kind}  {shown}{more}")
}

/// With the priority, unless it is that of most tasks.
fn kind(task: &TaskRecord) -> String {
    match task.priority.as_str() {
        "normal" => task.kind.clone(),
        priority => format!("{} ({priority})", task.kind),
    }
}
