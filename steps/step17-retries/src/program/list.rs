//! `list`: the last tasks.

use anyhow::Result;
use step17_retries::{Filter, Reader, TaskRecord};

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
    let kind = task.kind.replace('\n', " ");
    format!("{id:>6}  {status:<8}  {created_at:.0}  {kind}  {shown}{more}")
}
