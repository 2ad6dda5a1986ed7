//! `demo`: the engine at work, on a database of its own.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use comfy_table::{Cell, CellAlignment, Row};
use serde_json::{Value, json};
use task_engine::{
    Config, Engine, EngineHandle, Error, Filter, Handler, NewTask, Reader, RetryPolicy, Store,
    TaskError, TaskExecution, TaskRecord,
};
use tokio::time::sleep;

use super::output::{one_line, status_cell, table, write};
use super::progress;
use super::signals::{remember_programs, stop_on_signals};
use super::tasks::registry;

/// How often one looks whether all is over.
const INTERVAL: Duration = Duration::from_millis(50);

pub async fn demo() -> Result<()> {
    let folder = tempfile::Builder::new().prefix("task-engine-").tempdir();
    // It is kept, since the last words of the demonstration invite to look into it.
    let folder = folder.context("can't make a folder for the demonstration")?;
    let database = folder.keep().join("demo.db");
    let store = Store::open(&database)?;
    for task in tasks() {
        store.create(task).await?;
    }
    let config = Config {
        instance: "demo".to_owned(),
        workers: 3,
        // Nobody wants to watch the usual minutes.
        retry_policy: RetryPolicy {
            max_retries: 2,
            first_delay: Duration::from_secs(1),
            ..RetryPolicy::default()
        },
        ..Config::default()
    };
    let registry = registry().with_handler("flaky", flaky());
    let engine = Engine::new(store.clone(), registry.clone(), config);
    let handle = engine.handle();
    remember_programs()?;
    stop_on_signals(handle.clone())?;
    let engine = engine.start().await?;
    tokio::select! {
        over = until_over(store.reader(), &handle) => over?,
        () = progress::follow(handle.clone(), store.clone(), registry) => (),
    }
    engine.shutdown().await?;
    progress::end(&handle);
    write(&report(store.reader(), &database).await?)
}

/// What there is to do.
fn tasks() -> Vec<NewTask> {
    let command = |program: &str, arguments: &[&str]| {
        let parameters = json!({ "program": program, "arguments": arguments });
        NewTask::new("command", parameters)
    };
    let waiting = |seconds: f64| NewTask::new("waiting", json!({ "waiting_time": seconds }));
    vec![
        command("echo", &["Hello from a task"]),
        command("date", &[]),
        waiting(1.5),
        waiting(0.5),
        NewTask::new("flaky", json!({})),
        command("uname", &["-sm"]),
        command("ls", &["/no/such/folder"]),
        waiting(1.0),
        NewTask::new("failing_not_retry_error", json!({})),
        command("sleep", &["1"]),
    ]
}

/// Fails twice, then succeeds.
fn flaky() -> Handler {
    let executions = AtomicU32::new(0);
    Handler::fallible(move |_| {
        let execution = executions.fetch_add(1, Ordering::Relaxed) + 1;
        async move {
            if execution <= 2 {
                return Err(TaskError::from("the service doesn't answer"));
            }
            Ok(json!({ "answer": 42 }))
        }
    })
}

/// Waits until no task is left, for now or for a retry, or somebody stops the engine.
async fn until_over(reader: &Reader, engine: &EngineHandle) -> Result<(), Error> {
    let is_over = |task: &TaskRecord| ["stopped", "failed"].contains(&task.status.as_str());
    while engine.is_running() {
        let tasks = reader.list_tasks(Filter::All, u32::MAX).await?;
        if tasks.iter().all(is_over) {
            break;
        }
        sleep(INTERVAL).await;
    }
    Ok(())
}

/// What a task does, in a few words.
fn label(task: &TaskRecord) -> String {
    let parameters = &task.parameters;
    match task.kind.as_str() {
        "command" => {
            let arguments = parameters["arguments"].as_array().into_iter().flatten();
            let words = [&parameters["program"]].into_iter().chain(arguments);
            let words: Vec<_> = words.filter_map(Value::as_str).collect();
            words.join(" ")
        }
        "waiting" => format!("wait for {} s", parameters["waiting_time"]),
        "flaky" => "call a service that is down".to_owned(),
        _ => "divide by zero, once and for all".to_owned(),
    }
}

/// How the last execution has ended, on one line.
fn outcome(executions: &[TaskExecution]) -> String {
    let last = executions.last();
    let result = last.and_then(|last| last.result.as_ref().or(last.error.as_ref()));
    let Some(result) = result else {
        return String::new();
    };
    let text = result["message"].as_str().or(result["stdout"].as_str());
    text.map_or_else(|| result.to_string(), |text| one_line(text.trim()))
}

/// What became of each task, and where to look next.
async fn report(reader: &Reader, database: &Path) -> Result<String> {
    let mut rows = Vec::new();
    let (mut succeeded, mut failed, mut retried) = (0, 0, 0);
    for task in reader.list_tasks(Filter::All, u32::MAX).await?.iter().rev() {
        let (task, executions) = reader.find_task(task.id).await?;
        succeeded += u32::from(task.status == "stopped");
        failed += u32::from(task.status == "failed");
        retried += u32::from(task.retries > 0);
        rows.push(Row::from(vec![
            Cell::new(task.id).set_alignment(CellAlignment::Right),
            Cell::new(label(&task)),
            status_cell(&task.status),
            Cell::new(executions.len()).set_alignment(CellAlignment::Right),
            Cell::new(outcome(&executions)),
        ]));
    }
    let titles = ["task", "what", "status", "runs", "result or last error"];
    Ok(format!(
        "\n{}\n\n{succeeded} succeeded, {failed} failed; {retried} of them were retried

Look next:
  export TASK_ENGINE_DATABASE={} TASK_ENGINE_INSTANCE=demo
  task-engine list --status failed
  task-engine show 5
  task-engine retry 7
  task-engine start --until-empty",
        table(&titles, rows),
        database.display()
    ))
}
