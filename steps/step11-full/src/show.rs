//! What the commands print of the tasks.

use anstyle::{AnsiColor, Style};
use comfy_table::{Cell, CellAlignment, Color, Row};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::Value;
use task_engine::{ExecutionStatus, TaskExecution, TaskRecord, TaskStatus};

use crate::program::output::{json, one_line, table};

/// A task and its executions.
pub fn task(task: &TaskRecord, executions: &[TaskExecution]) -> String {
    let mut lines = vec![
        format!("task {}", task.id),
        line("kind", &task.kind),
        line("parameters", &task.parameters.to_string()),
        line(
            "status",
            &paint(task.status.as_str(), color_of_task(task.status)),
        ),
        line("instance", task.instance.as_deref().unwrap_or("-")),
        line("created", &date(task.created_at)),
        line("scheduled", &date(task.scheduled_at)),
    ];
    if task.retries > 0 {
        lines.push(line("retries", &task.retries.to_string()));
    }
    for execution in executions {
        lines.push(format!("execution {}", execution.id));
        lines.extend(execution_lines(execution));
    }
    lines.join("\n") + "\n"
}

fn execution_lines(execution: &TaskExecution) -> Vec<String> {
    let mut lines = vec![line("started", &date(execution.started_at))];
    if let Some(stopped_at) = execution.stopped_at {
        let elapsed = stopped_at.duration_since(execution.started_at);
        let stopped = format!("{}, after {elapsed:#}", date(stopped_at));
        lines.push(line("stopped", &stopped));
    }
    let color = match execution.status {
        ExecutionStatus::Success => AnsiColor::Green,
        ExecutionStatus::Failure => AnsiColor::Red,
        _ => AnsiColor::Cyan,
    };
    lines.push(line("status", &paint(execution.status.as_str(), color)));
    if let Some(result) = &execution.result {
        lines.push(line("result", &result.to_string()));
    }
    if let Some(error) = &execution.error {
        lines.extend(error_lines(error));
    }
    lines
}

fn error_lines(error: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let message = format!("{}: {}", text(&error["type"]), text(&error["message"]));
    let mut lines = vec![line("error", &message)];
    for cause in error["causes"].as_array().into_iter().flatten() {
        lines.push(line("caused by", &text(cause)));
    }
    lines.extend(error["backtrace"].as_str().map(str::to_owned));
    lines
}

fn line(name: &str, value: &str) -> String {
    format!("  {name:<10}  {value}")
}

fn paint(text: &str, color: AnsiColor) -> String {
    let style: Style = color.on_default();
    format!("{style}{text}{style:#}")
}

fn color_of_task(status: TaskStatus) -> AnsiColor {
    match status {
        TaskStatus::Running => AnsiColor::Cyan,
        TaskStatus::Stopped => AnsiColor::Green,
        TaskStatus::Failed => AnsiColor::Red,
        _ => AnsiColor::Yellow,
    }
}

/// A task and its executions, as a JSON object.
pub fn task_json(task: &TaskRecord, executions: &[TaskExecution]) -> String {
    #[derive(Serialize)]
    struct Document<'a> {
        #[serde(flatten)]
        task: &'a TaskRecord,
        executions: &'a [TaskExecution],
    }
    json(&Document { task, executions })
}

/// A table of tasks.
pub fn tasks(tasks: &[TaskRecord]) -> String {
    let rows = tasks.iter().map(|task| {
        let mut row = Row::from(vec![
            Cell::new(task.id).set_alignment(CellAlignment::Right),
            status_cell(task.status),
            Cell::new(short_date(task.created_at)),
            Cell::new(one_line(&task.kind)),
            Cell::new(one_line(&task.parameters.to_string())),
        ]);
        // What doesn't fit, `show` shows.
        row.max_height(1);
        row
    });
    table(&["task", "status", "created", "kind", "parameters"], rows)
}

/// The word of a status, in its colour.
pub fn status_cell(status: TaskStatus) -> Cell {
    let color = match status {
        TaskStatus::Running => Color::Cyan,
        TaskStatus::Stopped => Color::Green,
        TaskStatus::Failed => Color::Red,
        _ => Color::Yellow,
    };
    Cell::new(status.as_str()).fg(color)
}

/// The time on the clock of the user, to the millisecond, and its distance to UTC.
fn date(date: Timestamp) -> String {
    let date = date.to_zoned_datetime(TimeZone::system());
    date.strftime("%Y-%m-%d %H:%M:%S%.3f %:z").to_string()
}

/// The time on the clock of the user, to the second.
fn short_date(date: Timestamp) -> String {
    let date = date.to_zoned_datetime(TimeZone::system());
    date.strftime("%Y-%m-%d %H:%M:%S").to_string()
}
