//! `show`: a task, and what became of it.

use std::time::Duration;

use anyhow::Result;
use serde_json::Value;
use step47_prefetch::{Reader, TaskExecution};

use super::output::print;

pub async fn show(reader: &Reader, id: i64) -> Result<()> {
    let (task, executions) = reader.find_task(id).await?;
    let mut lines = vec![
        format!("task {}", task.id),
        line("kind", &task.kind),
        line("parameters", &task.parameters.to_string()),
        line("status", &task.status),
        line("instance", task.instance.as_deref().unwrap_or("-")),
        line("scheduled", &format!("{:.3}", task.scheduled_at)),
        line("created", &format!("{:.3}", task.created_at)),
    ];
    if task.priority != "normal" {
        lines.push(line("priority", &task.priority));
    }
    if let Some(limit) = task.timeout_ms {
        let limit = Duration::from_millis(limit);
        lines.push(line("timeout", &format!("{limit:?}")));
    }
    lines.extend(task.unique_key.map(|key| line("unique key", &key)));
    if let Some(key) = task.concurrency_key {
        let held = ["", ", held: others come first"][usize::from(task.held)];
        lines.push(line("key", &format!("{key}{held}")));
    }
    if task.correlation != id.to_string() {
        lines.push(line("belongs to", &task.correlation));
    }
    lines.extend(
        task.parent
            .map(|parent| line("parent", &parent.to_string())),
    );
    if task.retries > 0 {
        lines.push(line("retries", &task.retries.to_string()));
    }
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
    lines.extend(execution.error.iter().flat_map(error_lines));
    lines
}

fn error_lines(error: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let message = format!("{}: {}", text(&error["type"]), text(&error["message"]));
    let mut lines = vec![line("error", &message)];
    lines.extend(error["place"].as_str().map(|place| line("at", place)));
    for cause in error["causes"].as_array().into_iter().flatten() {
        lines.push(line("caused by", &text(cause)));
    }
    let backtrace = error["backtrace"].as_array().into_iter().flatten();
    lines.extend(backtrace.map(|frame| line("in", &text(frame))));
    lines
}

fn line(name: &str, value: &str) -> String {
    let value = value.replace('\n', " ");
    format!("  {name:<10}  {value}")
}
