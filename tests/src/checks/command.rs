use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use serde_json::{Value, json};

use super::common::{readable_on_a_terminal, says, soon, stop, tasks_of};
use super::recovery::start;
use crate::Program;
use crate::program::ignoring;
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

/// Some launchers leave it so, and programs that have succeeded would seem to be lost.
pub fn ignored_sigchld_hides_no_success(sandbox: &Sandbox) -> Result<()> {
    sandbox
        .create(&["command", r#"{"program": "true"}"#, "--count", "5"])?
        .success()?;
    let mut command = sandbox.engine_command(Load::waiting(0.0));
    command.arg("--until-empty");
    let finished = Program::start(ignoring(Signal::SIGCHLD, &command))?
        .finish()?
        .success()?;
    let finished = tasks_of(&finished.events(), "task finished").len();
    ensure!(finished == 5, "{finished} tasks of 5 have succeeded");
    Ok(())
}

/// No system can take such words: it is refused, or fails for good.
pub fn impossible_commands_are_not_retried(sandbox: &Sandbox) -> Result<()> {
    let commands = [
        r#"{"program": "echo", "arguments": ["a\u0000b"]}"#,
        r#"{"program": ""}"#,
        r#"{"program": "a\u0000b"}"#,
        r#"{"program": "true", "environment": {"A=B": "c"}}"#,
        r#"{"program": "true", "environment": {"A": "b\u0000c"}}"#,
    ];
    let mut created = 0;
    for command in commands {
        if sandbox.create(&["command", command])?.status.success() {
            created += 1;
        }
    }
    sandbox
        .create(&["command", r#"{"program": "true"}"#])?
        .success()?;
    let mut engine = sandbox.engine_command(Load::waiting(0.0));
    engine.arg("--until-empty");
    Program::start(engine)?.finish()?.success()?;
    let failed = sandbox.count("failed")?;
    ensure!(
        failed == created,
        "{failed} of {created} have failed for good"
    );
    ensure!(
        sandbox.count("stopped")? == 1,
        "the last one hasn't succeeded"
    );
    Ok(())
}

/// What a program writes is kept, and doesn't reach the terminal of who looks at it.
pub fn output_of_a_program_is_only_text(sandbox: &Sandbox) -> Result<()> {
    let script = r"printf '\033]0;HACKED\007\033[2J\377\000 so sorry' | tee /dev/stderr; exit $0";
    for status in ["0", "1"] {
        let command = json!({ "program": "sh", "arguments": ["-c", script, status] });
        sandbox
            .create(&["command", &command.to_string()])?
            .success()?;
    }
    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("task finished", 1)?;
    engine.wait_for("task failed", 1)?;
    stop(engine)?;
    for id in ["1", "2"] {
        let shown = sandbox.show(id)?.success()?;
        says(&shown, &["so sorry"])?;
        readable_on_a_terminal(&shown)?;
    }
    Ok(())
}

/// The result, or the error, of the only execution of this task.
fn outcome(sandbox: &Sandbox, task: i64, column: &str) -> Result<Value> {
    let select = format!("SELECT coalesce({column}, '') FROM task_executions WHERE task_id = ?1");
    let database = sandbox.database()?;
    let text: String = database.query_one(&select, [task], |row| row.get(0))?;
    serde_json::from_str(&text).with_context(|| format!("task {task} has no {column}"))
}

/// It is executed again, and must not run beside itself.
pub fn program_of_a_task_that_is_cut_short_is_killed(sandbox: &Sandbox) -> Result<()> {
    let script = "echo $$ >> pids; exec sleep 3600";
    let parameters = json!({"program": "sh", "arguments": ["-c", script]});
    sandbox
        .create(&["command", &parameters.to_string()])?
        .success()?;
    let mut engine = start(sandbox, "first", Load::waiting(0.0), 0)?;
    let pids = || -> Result<Vec<i32>> {
        let pids = fs::read_to_string(sandbox.folder().join("pids")).unwrap_or_default();
        Ok(pids.lines().map(str::parse).collect::<Result<_, _>>()?)
    };
    soon("the program launched", || Ok(pids()?.len() == 1))?;
    // The others have taken the engine for dead: it cuts its tasks short, and begins again.
    let dead = "UPDATE engines SET status = 'dead'";
    sandbox.database()?.execute_batch(dead)?;
    engine.wait_for("engine started", 2)?;
    soon("the program launched again", || Ok(pids()?.len() == 2))?;

    let [first, second] = pids()?[..] else {
        bail!("launched: {:?}", pids()?);
    };
    let killed = soon("the first one killed", || {
        Ok(!Path::new(&format!("/proc/{first}")).exists())
    });
    engine.signal(Signal::SIGKILL)?;
    signal::kill(Pid::from_raw(second), Signal::SIGKILL)?;
    killed
}
