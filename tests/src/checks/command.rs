use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::common::stop;
use crate::sandbox::{Load, Sandbox};

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
            .create(&["command", &command.to_string()])?
            .success()?;
    }
    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("task finished", 2)?;
    engine.wait_for("task failed", 1)?;
    stop(engine)?;

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

/// The result, or the error, of the only execution of this task.
fn outcome(sandbox: &Sandbox, task: i64, column: &str) -> Result<Value> {
    let select = format!("SELECT coalesce({column}, '') FROM task_executions WHERE task_id = ?1");
    let database = sandbox.database()?;
    let text: String = database.query_one(&select, [task], |row| row.get(0))?;
    serde_json::from_str(&text).with_context(|| format!("task {task} has no {column}"))
}
