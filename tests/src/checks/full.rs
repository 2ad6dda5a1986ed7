pub mod chaos;
mod disk_full;

pub use disk_full::disk_full;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::tasks_of;
use crate::sandbox::{Load, Sandbox};
use crate::{Finished, Program};

/// The exit status of a command that wants to be confirmed.
const NOT_CONFIRMED: i32 = 4;

pub fn retry_puts_a_failed_task_back(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_task(&["failing_not_retry"])?.success()?;
    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("task failed", 1)?;
    // What made it fail is mended.
    sandbox
        .database()?
        .execute_batch(r#"UPDATE tasks SET task_parameters = '{"divisor": 8}'"#)?;

    let text = sandbox.run(&["retry", "1"])?.success()?.text();
    ensure!(text.contains('1'), "it doesn't say which task: {text}");
    engine.wait_for("task finished", 1)?;
    engine.signal(Signal::SIGTERM)?;
    engine.finish()?.success()?;

    ensure!(sandbox.ids("stopped")? == [1], "the task hasn't succeeded");
    let statuses = executions(sandbox, 1)?;
    ensure!(statuses == ["failure", "success"], "{statuses:?}");
    // A task that hasn't ended, and one that isn't there, are none of those.
    let later = ["waiting", r#"{"waiting_time": 0}"#, "--in", "1h"];
    sandbox.create_task(&later)?.success()?;
    for task in ["2", "17"] {
        let text = sandbox.run(&["retry", task])?.exited(1)?.text();
        ensure!(text.contains(task), "it doesn't say which task: {text}");
    }
    Ok(())
}

pub fn stranded_tasks_are_put_back(sandbox: &Sandbox) -> Result<()> {
    // The tasks that a killed engine leaves behind wait for long, and must not when they are put
    // back; the last one is none of them.
    sandbox.create_tasks(6, Load::waiting(3600.0))?;
    let mut engine = sandbox.start_engine_named("killed", Load::waiting(3600.0))?;
    engine.wait_for("task is waiting", 5)?;
    engine.signal(Signal::SIGKILL)?;
    let mut stranded = tasks_of(&engine.finish()?.events(), "task is waiting");
    stranded.sort_unstable();
    sandbox
        .database()?
        .execute_batch(r#"UPDATE tasks SET task_parameters = '{"waiting_time": 0}'"#)?;

    // Nobody is at a terminal here.
    let retry = ["retry", "--stranded", "killed"];
    let text = sandbox.run(&retry)?.exited(NOT_CONFIRMED)?.text();
    ensure!(text.contains("--yes"), "it doesn't say what to do: {text}");
    ensure!(sandbox.ids("running")? == stranded, "tasks were put back");

    let put_back = sandbox.run(&[&retry[..], &["--yes"]].concat())?.success()?;
    let named = numbers(&put_back);
    ensure!(
        stranded.iter().all(|task| named.contains(task)),
        "it doesn't name the tasks {stranded:?}: {}",
        put_back.text()
    );
    ensure!(sandbox.count("running")? == 0, "tasks are left running");
    for task in &stranded {
        let statuses = executions(sandbox, *task)?;
        ensure!(statuses == ["failure"], "task {task}: {statuses:?}");
    }
    // Nothing is left under its name.
    let engine = sandbox.start_engine_named("killed", Load::waiting(0.0))?;
    sandbox.drain(engine)?.success()?;
    let stopped = sandbox.ids("stopped")?;
    ensure!(stopped == [1, 2, 3, 4, 5, 6], "succeeded: {stopped:?}");
    Ok(())
}

pub fn json_output_is_json(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(1, Load::waiting(0.25))?;
    let engine = sandbox.start_engine(Load::waiting(0.25))?;
    sandbox.drain(engine)?.success()?;
    sandbox.create_tasks(1, Load::waiting(0.0))?;

    let tasks = json_of(sandbox, &["list", "--json"])?;
    let numbers: Vec<_> = array(&tasks)?.iter().map(|task| &task["id"]).collect();
    ensure!(numbers == [2, 1], "list: {tasks}");
    let none = json_of(sandbox, &["list", "--status", "failed", "--json"])?;
    ensure!(none == json!([]), "list of nothing: {none}");

    let task = json_of(sandbox, &["show", "1", "--json"])?;
    ensure!(task["status"] == "stopped", "show: {task}");
    ensure!(task["parameters"]["waiting_time"] == 0.25, "show: {task}");
    let execution = &array(&task["executions"])?[0];
    ensure!(execution["result"]["waited"] == 0.25, "show: {task}");
    let date = |name: &str| execution[name].as_str()?.parse::<jiff::Timestamp>().ok();
    let (started_at, stopped_at) = (date("started_at"), date("stopped_at"));
    ensure!(
        started_at.is_some() && started_at < stopped_at,
        "the execution has no dates, or they are in disorder: {execution}"
    );

    let kinds = json_of(sandbox, &["kinds", "--json"])?;
    let known = |kind: &str| kinds.to_string().contains(&format!("\"{kind}\""));
    ensure!(known("waiting") && known("command"), "kinds: {kinds}");
    Ok(())
}

pub fn until_empty_ends(sandbox: &Sandbox) -> Result<()> {
    let drain = || -> Result<Finished> {
        let mut command = sandbox.start_engine_command();
        command.args(["--instance", "drain", "--until-empty"]);
        Program::start(command)?.finish()?.success()
    };
    drain()?;
    sandbox.create_tasks(20, Load::waiting(0.1))?;
    let far_away = ["waiting", r#"{"waiting_time": 0}"#, "--in", "1h"];
    sandbox.create_task(&far_away)?.success()?;

    let events = drain()?.events();

    let finished = tasks_of(&events, "task finished").len();
    ensure!(finished == 20, "{finished} tasks were executed");
    let stopped = events.iter().any(|e| e.message == "engine stopped");
    ensure!(stopped, "the engine didn't stop as it should");
    ensure!(sandbox.ids("waiting")? == [21], "the future task is gone");
    ensure!(sandbox.count("running")? == 0, "tasks are left running");
    Ok(())
}

pub fn command_kind_runs_a_program(sandbox: &Sandbox) -> Result<()> {
    let script = r#"echo "$GREETING"; pwd; echo careful >&2; cat"#;
    let folder = sandbox.folder().join("elsewhere");
    std::fs::create_dir(&folder)?;
    let commands = [
        json!({
            "program": "sh",
            "arguments": ["-c", script],
            "directory": folder,
            "environment": { "GREETING": "hello" },
        }),
        // No shell reads this.
        json!({ "program": "echo", "arguments": ["$HOME; exit 3"] }),
        json!({ "program": "sh", "arguments": ["-c", "echo so sorry >&2; exit 3"] }),
    ];
    for command in commands {
        sandbox
            .create_task(&["command", &command.to_string()])?
            .success()?;
    }
    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("task finished", 2)?;
    engine.wait_for("task failed", 1)?;
    engine.signal(Signal::SIGTERM)?;
    engine.finish()?.success()?;

    let first = outcome(sandbox, 1, "result")?;
    let stdout = first["stdout"].as_str().unwrap_or_default();
    ensure!(
        stdout.starts_with("hello\n") && stdout.contains("elsewhere"),
        "the program got other variables, or another folder: {first}"
    );
    ensure!(first["stderr"] == "careful\n", "result: {first}");
    let second = outcome(sandbox, 2, "result")?;
    ensure!(second["stdout"] == "$HOME; exit 3\n", "result: {second}");
    let error = outcome(sandbox, 3, "error")?;
    let message = error["message"].as_str().unwrap_or_default();
    ensure!(
        message.contains('3') && message.contains("so sorry"),
        "the error doesn't say what happened: {error}"
    );
    Ok(())
}

pub fn demo_tells_its_story(sandbox: &Sandbox) -> Result<()> {
    let deadline = Duration::from_mins(1);
    for _ in 0..2 {
        let started = Instant::now();
        let text = sandbox.run(&["demo"])?.success()?.text();
        ensure!(started.elapsed() < deadline, "it took more than a minute");
        for word in ["succeeded", "failed", "retried", "task-engine"] {
            ensure!(text.contains(word), "no word of {word} in:\n{text}");
        }
        ensure!(!text.contains("panicked at"), "it panicked:\n{text}");
    }
    // Its database is another one, and is gone.
    let left: Vec<_> = std::fs::read_dir(sandbox.folder())?.collect();
    ensure!(left.is_empty(), "it has left {left:?}");
    Ok(())
}

/// What a command writes, which must be JSON and nothing else.
fn json_of(sandbox: &Sandbox, arguments: &[&str]) -> Result<Value> {
    let text = sandbox.run(arguments)?.success()?.text();
    serde_json::from_str(&text).with_context(|| format!("{arguments:?} gives no JSON:\n{text}"))
}

fn array(value: &Value) -> Result<&Vec<Value>> {
    value
        .as_array()
        .with_context(|| format!("not an array: {value}"))
}

/// All the numbers that a program has written.
fn numbers(finished: &Finished) -> Vec<i64> {
    let text = finished.text();
    let words = text.split(|letter: char| !letter.is_ascii_digit());
    words.filter_map(|word| word.parse().ok()).collect()
}

/// How the executions of this task have ended, in their order.
fn executions(sandbox: &Sandbox, task: i64) -> Result<Vec<String>> {
    let database = sandbox.database()?;
    let mut statuses =
        database.prepare("SELECT status FROM task_executions WHERE task_id = ?1 ORDER BY id")?;
    let statuses = statuses.query_map([task], |row| row.get(0))?;
    Ok(statuses.collect::<rusqlite::Result<_>>()?)
}

/// The result, or the error, of the only execution of this task.
fn outcome(sandbox: &Sandbox, task: i64, column: &str) -> Result<Value> {
    let select = format!("SELECT coalesce({column}, '') FROM task_executions WHERE task_id = ?1");
    let database = sandbox.database()?;
    let text: String = database.query_one(&select, [task], |row| row.get(0))?;
    serde_json::from_str(&text).with_context(|| format!("task {task} has no {column}"))
}
