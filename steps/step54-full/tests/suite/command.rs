//! A task may be a program to launch.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::common::{database, rows, until};
use crate::inspection::program;

/// Where the tests let their programs write.
fn folder() -> PathBuf {
    let folder = database().parent().unwrap().to_owned();
    folder.canonicalize().unwrap()
}

/// Executes a task of kind `command`, and returns its result, or its error.
fn launch(parameters: &Value) -> Value {
    let created = program(&["create", "command", &parameters.to_string()]);
    assert_eq!(created, "1 task created\n");
    program(&["start", "--until-empty", "--instance", "test"]);
    let last = rows("SELECT coalesce(result, error) FROM task_executions ORDER BY id DESC LIMIT 1");
    serde_json::from_str(&last).unwrap()
}

fn shell(script: &str) -> Value {
    let arguments = ["-c", script];
    launch(&json!({ "program": "sh", "arguments": arguments, "directory": folder() }))
}

#[test]
fn a_program_returns_what_it_has_written() {
    let result = launch(&json!({ "program": "echo", "arguments": ["a  b", "$HOME; *"] }));
    let expected = json!({
        "exit_status": 0,
        "stdout": "a  b $HOME; *\n",
        "stderr": "",
        "truncated": false,
    });
    assert_eq!(result, expected);
    let result = shell("echo out; echo err >&2; read line || echo no input");
    assert_eq!(result["stdout"], "out\nno input\n");
    assert_eq!(result["stderr"], "err\n");
}

#[test]
fn a_program_runs_where_and_with_what_it_is_told() {
    let result = launch(&json!({
        "program": "sh",
        "arguments": ["-c", "pwd; echo $COLOR; test -n \"$PATH\" && echo path"],
        "directory": folder(),
        "environment": { "COLOR": "blue" },
    }));
    let expected = format!("{}\nblue\npath\n", folder().display());
    assert_eq!(result["stdout"], expected);
}

#[test]
fn a_program_that_fails_says_how_and_why_and_what_it_has_written() {
    let error = shell("echo half; echo first >&2; echo no room left >&2; exit 3");
    let message = error["message"].as_str().unwrap();
    insta::assert_snapshot!(message, @r#""sh" ended with exit status 3: no room left"#);
    let expected = json!({
        "exit_status": 3,
        "stdout": "half\n",
        "stderr": "first\nno room left\n",
        "truncated": false,
    });
    assert_eq!(error["details"], expected);
    let shown = program(&["show", "1"]);
    assert!(
        shown.contains("  details     {\"exit_status\":3,"),
        "{shown}"
    );
    assert_eq!(rows("SELECT status FROM tasks"), "waiting");

    let error = shell("kill -9 $$");
    insta::assert_snapshot!(error["message"].as_str().unwrap(), @r#""sh" was ended by SIGKILL"#);
    assert_eq!(error["details"]["exit_status"], json!(null));

    let error = shell("head -c 1000 /dev/zero | tr '\\0' e >&2; exit 1");
    assert_eq!(error["message"].as_str().unwrap().len(), 331);
}

#[test]
fn a_program_that_is_not_there_may_be_later() {
    let error = launch(&json!({ "program": "/no/such/program" }));
    insta::assert_snapshot!(error["message"].as_str().unwrap(), @r#"can't launch "/no/such/program""#);
    assert_eq!(
        error["causes"],
        json!(["No such file or directory (os error 2)"])
    );
    launch(&json!({ "program": "true", "directory": "/no/such/folder" }));
    assert_eq!(rows("SELECT status FROM tasks"), "waiting\nwaiting");
}

#[test]
fn what_no_program_can_be_given_is_refused_at_once() {
    let refused = |parameters: &str| program(&["create", "command", parameters]);
    insta::assert_snapshot!(refused("{}"), @r#"error: the parameters don't fit a task of kind "command": missing field `program`"#);
    insta::assert_snapshot!(refused(r#"{"program": ""}"#), @r#"error: the parameters don't fit a task of kind "command": program: it is empty"#);
    insta::assert_snapshot!(refused(r#"{"program": "ls", "args": []}"#), @"error: the parameters don't fit a task of kind \"command\": args: unknown field `args`, expected one of `program`, `arguments`, `directory`, `environment`");
    insta::assert_snapshot!(refused(r#"{"program": "ls", "arguments": ["a", "\u0000"]}"#), @r#"error: the parameters don't fit a task of kind "command": arguments[1]: no program can be given a NUL character"#);
    insta::assert_snapshot!(refused(r#"{"program": "ls", "directory": "\u0000"}"#), @r#"error: the parameters don't fit a task of kind "command": directory: no program can be given a NUL character"#);
    insta::assert_snapshot!(refused(r#"{"program": "ls", "environment": {"": "a"}}"#), @r#"error: the parameters don't fit a task of kind "command": environment.: it is empty"#);
    assert_eq!(rows("SELECT id FROM tasks"), "");
}

#[test]
fn a_program_may_write_more_than_is_kept() {
    let zeros = "head -c 2000000 /dev/zero | tr '\\0'";
    let result = shell(&format!("{zeros} o; {zeros} e >&2; echo last"));
    let outputs = ["stdout", "stderr"].map(|name| result[name].as_str().unwrap());
    assert_eq!(outputs.map(str::len), [64 * 1024; 2]);
    assert!(outputs[0].ends_with("olast\n"));
    assert_eq!(result["truncated"], true);
}

#[test]
fn a_program_may_write_what_is_no_text() {
    let result = shell("printf 'a\\377b\\0c'");
    assert_eq!(result["stdout"], "a\u{fffd}b\0c");
}

/// It goes on until it is told, or for half a minute.
const DAEMON: &str = "for i in $(seq 3000); do test -e go && break; sleep 0.01; done; touch over";

#[tokio::test]
async fn a_daemon_that_is_left_behind_holds_nobody() {
    let result = shell(&format!("({DAEMON}) & echo left"));
    assert_eq!(result["stdout"], "left\n");
    assert!(!folder().join("over").exists());
    fs::write(folder().join("go"), "").unwrap();
    until(|| folder().join("over").exists()).await;

    let result = shell("yes & echo left >&2");
    assert_eq!(result["stderr"], "left\n");
}

/// Who starts the engine may have been told to forget about its children.
#[test]
fn how_a_program_ended_is_known_whatever_the_parent_ignores() {
    program(&["create", "command", r#"{"program": "true"}"#]);
    let ended = Command::new("env")
        .args(["--ignore-signal=CHLD", env!("CARGO_BIN_EXE_task-engine")])
        .args(["start", "--until-empty", "--instance", "test"])
        .env("TASK_ENGINE_DATABASE", database())
        .output();
    assert!(ended.unwrap().status.success());
    assert_eq!(rows("SELECT status FROM tasks"), "stopped");
}
