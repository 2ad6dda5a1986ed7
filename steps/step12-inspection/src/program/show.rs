//! `show`: a task, and what became of it.

use anyhow::Result;
use step12_inspection::{Reader, TaskExecution};

use super::output::print;

pub async fn show(reader: &Reader, id: i64) -> Result<()> {
    let (task, executions) = reader.find_task(id).await?;
    let mut lines = vec![
        format!("task {}", task.id),
        line("kind", &task.kind),
        line("parameters", &task.parameters.to_string()),
        line("status", &task.status),
        line("instance", task.instance.as_deref().unwrap_or("-")),
        line("created", &format!("{:.3}", task.created_at)),
    ];
    for execution in executions {
        lines.push(format!("execution {}", execution.id));
        lines.extend(execution_lines(&execution));
    }
    print(&lines)
}

fn execution_lines(execution: &TaskExecution) -> Vec<String> {
    let mut lines = vec![line("started", &format!("{:.3}", execution.started_at))];
    lines.extend(
        execution
            .stopped_at
            .map(|at| line("stopped", &format!("{at:.3}"))),
    );
    lines.extend(
        execution
            .result
            .iter()
            .map(|result| line("result", &result.to_string())),
    );
    lines
}

fn line(name: &str, value: &str) -> String {
    let value = value.replace('\n', " ");
    format!("  {name:<10}  {value}")
}
