//! `task-engine demo`: the engine at work, on a database of its own.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use comfy_table::{Cell, CellAlignment, Color, Row};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use jiff::Timestamp;
use serde_json::{Value, json};
use task_engine::{
    Engine, Error, Handler, NewTask, RetryPolicy, Store, TaskError, TaskExecution, TaskRecord,
    TaskStatus, stop_on_signals,
};
use tokio::time::sleep;

use super::output::{one_line, print, table};
use super::progress::log_to;
use super::{Failure, registry};
use crate::show::status_cell;

/// How often the view is drawn.
const INTERVAL: Duration = Duration::from_millis(100);

/// Retries after 1, 2 and 4 seconds: nobody wants to watch the usual delays.
const RETRY: RetryPolicy = RetryPolicy {
    max_retries: 3,
    first_delay: Duration::from_secs(1),
};

type History = Vec<(TaskRecord, Vec<TaskExecution>)>;

pub async fn demo() -> Result<(), Failure> {
    // It is kept, since the last words of the demonstration invite to look into it.
    let folder = tempfile::Builder::new()
        .prefix("task-engine-demo-")
        .tempdir()
        .map_err(Failure::Folder)?
        .keep();
    let database = folder.join("demo.db");
    let store = Store::open(&database)?;
    let tasks = tasks();
    let view = View::in_terminal(tasks.len());
    for task in tasks {
        store.create_new_task(task).await?;
    }
    if view.is_none() {
        log_to(io::stderr);
    }
    let engine = Engine::builder(store.clone())
        .instance("demo")
        .workers(3)
        .retry(RETRY)
        .registry(registry().with_handler("flaky", flaky()))
        .start()
        .await?;
    stop_on_signals(engine.handle())?;
    loop {
        let history = history(&store).await?;
        if let Some(view) = &view {
            view.show(&history);
        }
        let over = history.iter().all(|(task, _)| is_over(task));
        if over || !engine.handle().is_running() {
            break;
        }
        sleep(INTERVAL).await;
    }
    engine.shutdown().await?;
    let history = history(&store).await?;
    if let Some(view) = view {
        view.show(&history);
        view.end();
    }
    print(&report(&history, &database))
}

/// What there is to do.
fn tasks() -> Vec<NewTask> {
    let command = |program: &str, arguments: &[&str]| {
        let parameters = json!({ "program": program, "arguments": arguments });
        NewTask::new("command", &parameters)
    };
    let waiting = |seconds: f64| NewTask::new("waiting", &json!({ "waiting_time": seconds }));
    vec![
        command("echo", &["Hello from a task"]),
        command("date", &[]),
        waiting(2.0),
        waiting(1.0),
        NewTask::new("flaky", &json!({})),
        waiting(0.5),
        command("uname", &["-sm"]),
        command("ls", &["/no/such/folder"]),
        waiting(1.5),
        NewTask::new("failing_not_retry_error", &json!({})),
        waiting(3.0),
        command("sleep", &["2"]),
    ]
}

#[derive(Debug, thiserror::Error)]
#[error("the service doesn't answer")]
struct ServiceDown;

/// Fails twice, then succeeds.
fn flaky() -> Handler {
    let executions = AtomicU32::new(0);
    Handler::fallible(move |_| {
        let execution = executions.fetch_add(1, Ordering::Relaxed) + 1;
        async move {
            sleep(Duration::from_millis(300)).await;
            if execution <= 2 {
                return Err(TaskError::from(ServiceDown));
            }
            Ok(json!({ "answer": 42 }))
        }
    })
}

async fn history(store: &Store) -> Result<History, Error> {
    let mut history = Vec::new();
    for task in store.list_tasks(None, u32::MAX).await?.iter().rev() {
        history.push(store.find_task(task.id).await?);
    }
    Ok(history)
}

fn is_over(task: &TaskRecord) -> bool {
    matches!(task.status, TaskStatus::Stopped | TaskStatus::Failed)
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

/// What a task is doing, in a few words.
fn state(task: &TaskRecord, executions: &[TaskExecution]) -> String {
    match (task.status, task.retries) {
        (TaskStatus::Waiting, 0) => "waits for a worker".to_owned(),
        (TaskStatus::Waiting, retry) => {
            let left = task.scheduled_at.duration_since(Timestamp::now());
            let seconds = left.as_secs_f64().max(0.0);
            format!("has failed, retry {retry} in {seconds:.1} s")
        }
        (TaskStatus::Running, 0) => "is running".to_owned(),
        (TaskStatus::Running, retry) => format!("is running, retry {retry}"),
        _ => outcome(executions),
    }
}

/// How the last execution has ended, on one line.
fn outcome(executions: &[TaskExecution]) -> String {
    let Some(last) = executions.last() else {
        return String::new();
    };
    let text = match (&last.result, &last.error) {
        (_, Some(error)) => error["message"].as_str().unwrap_or_default().to_owned(),
        (Some(result), _) => match result["stdout"].as_str() {
            Some(text) => text.trim().to_owned(),
            None => result.to_string(),
        },
        (None, None) => String::new(),
    };
    one_line(&text)
}

/// One line for each task, drawn again and again.
struct View {
    bars: Vec<ProgressBar>,
}

impl View {
    fn in_terminal(tasks: usize) -> Option<Self> {
        let lines = MultiProgress::new();
        let bar = |_| lines.add(ProgressBar::new_spinner());
        io::stderr().is_terminal().then(|| Self {
            bars: (0..tasks).map(bar).collect(),
        })
    }

    fn show(&self, history: &History) {
        for (bar, (task, executions)) in self.bars.iter().zip(history) {
            let template = match task.status {
                TaskStatus::Running => "{spinner:.cyan} {wide_msg}",
                TaskStatus::Stopped => "{prefix:.green} {wide_msg}",
                TaskStatus::Failed => "{prefix:.red} {wide_msg}",
                _ => "{prefix:.yellow} {wide_msg}",
            };
            let style = ProgressStyle::with_template(template);
            bar.set_style(style.expect("the templates above are valid"));
            bar.set_prefix(match task.status {
                TaskStatus::Stopped => "✓",
                TaskStatus::Failed => "✗",
                _ => "·",
            });
            bar.set_message(format!("{:<34}  {}", label(task), state(task, executions)));
            bar.tick();
        }
    }

    /// Leaves the last view where it is.
    fn end(self) {
        for bar in self.bars {
            bar.abandon();
        }
        // The cursor is still behind the last line.
        eprintln!();
    }
}

/// The closing table, and where to look next.
fn report(history: &History, database: &Path) -> String {
    let rows = history.iter().map(|(task, executions)| {
        Row::from(vec![
            Cell::new(task.id).set_alignment(CellAlignment::Right),
            Cell::new(label(task)),
            status_cell(task.status),
            Cell::new(executions.len()).set_alignment(CellAlignment::Right),
            Cell::new(outcome(executions)).fg(match task.status {
                TaskStatus::Failed => Color::Red,
                _ => Color::Reset,
            }),
        ])
    });
    let table = table(
        &["task", "what", "status", "runs", "result or last error"],
        rows,
    );
    let count =
        |wanted: fn(&TaskRecord) -> bool| history.iter().filter(|(task, _)| wanted(task)).count();
    let succeeded = count(|task| task.status == TaskStatus::Stopped);
    let failed = count(|task| task.status == TaskStatus::Failed);
    let retried = count(|task| task.retries > 0);
    let left = history.len() - succeeded - failed;
    let left = if left > 0 {
        format!(", {left} are left")
    } else {
        String::new()
    };
    let database = database.display();
    format!(
        "\n{table}\n{succeeded} succeeded, {failed} failed{left}; {retried} of them were retried\n
Look next:
  export TASK_ENGINE_DATABASE={database}
  task-engine list --status failed
  task-engine show 5
  task-engine retry 8
  task-engine start --until-empty\n"
    )
}
