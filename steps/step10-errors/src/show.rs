//! What the commands print of the tasks.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use step10_errors::{TaskExecution, TaskRecord};

pub fn task(task: &TaskRecord, executions: &[TaskExecution]) {
    println!("task {}", task.id);
    println!("  kind        {}", task.kind);
    println!("  parameters  {}", task.parameters);
    println!("  status      {}", task.status.as_str());
    println!("  instance    {}", task.instance.as_deref().unwrap_or("-"));
    println!("  created     {}", date(task.created_at));
    println!("  scheduled   {}", date(task.scheduled_at));
    for execution in executions {
        println!("execution {}", execution.id);
        println!("  started     {}", date(execution.started_at));
        if let Some(stopped_at) = execution.stopped_at {
            let elapsed = SignedDuration::from_millis(stopped_at - execution.started_at);
            println!("  stopped     {}, after {elapsed:#}", date(stopped_at));
        }
        println!("  status      {}", execution.status.as_str());
        if let Some(result) = &execution.result {
            println!("  result      {result}");
        }
        if let Some(error) = &execution.error {
            show_error(&serde_json::from_str(error).unwrap_or_default());
        }
    }
}

fn show_error(error: &Value) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    println!(
        "  error       {}: {}",
        text(&error["type"]),
        text(&error["message"])
    );
    for cause in error["causes"].as_array().into_iter().flatten() {
        println!("  caused by   {}", text(cause));
    }
    if let Some(backtrace) = error["backtrace"].as_str() {
        println!("{backtrace}");
    }
}

pub fn tasks(tasks: &[TaskRecord]) {
    println!("{:>8}  {:<8} {:<24}  kind", "task", "status", "created");
    for task in tasks {
        let (id, status, created) = (task.id, task.status.as_str(), date(task.created_at));
        println!("{id:>8}  {status:<8} {created:<24}  {}", task.kind);
    }
}

/// RFC 3339, UTC, to the millisecond.
fn date(millis: i64) -> String {
    Timestamp::from_millisecond(millis).map_or_else(
        |_| format!("{millis} ms since 1970"),
        |date| format!("{date:.3}"),
    )
}
