//! What is shown suits who reads it: a person, or a program.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use step52_terminal::{Execution, NewTask, Next, TaskError};

use crate::common::{acquire, connection, create_tasks, database, end, rows, store};
use crate::inspection::program;

/// The program on the database of the test, in no particular terminal.
fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_step52-terminal"));
    command.args(arguments).env_clear();
    command.env("TASK_ENGINE_DATABASE", database());
    command
}

fn stdout(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn json_of(arguments: &[&str]) -> Value {
    serde_json::from_str(&program(arguments)).unwrap()
}

/// One in each state, and of kinds known and unknown.
async fn a_few_tasks() {
    let store = store();
    create_tasks(&store, 3).await;
    let task = acquire(&store).await.unwrap();
    let _ = end(&store, task).await;
    let execution = Execution::of(acquire(&store).await.unwrap());
    let error = TaskError::permanent("no such customer");
    let _ = store.end(&execution, Err(error), Next::Failed).await;
    acquire(&store).await.unwrap();
    let arguments = ["-i", "an input file with a long name.mkv", "output.mp4"];
    let ffmpeg = json!({ "program": "ffmpeg", "arguments": arguments });
    let strange = json!({ "text": "\u{1b}[31m\u{9b}31m\n" });
    for task in [
        NewTask::new("command", ffmpeg),
        NewTask::new("elsewhere", strange),
    ] {
        store.create(task).await.unwrap();
    }
    let update = "UPDATE tasks SET created_at = 1600000000000, scheduled_at = 1600000000000;
                  UPDATE task_executions SET started_at = 1600000000500,
                  stopped_at = stopped_at - stopped_at + 1600000002000,
                  error = json_remove(error, '$.backtrace')";
    connection().execute_batch(update).unwrap();
}

#[tokio::test]
async fn a_table_is_as_wide_as_the_window() {
    a_few_tasks().await;
    // None is due: no age is shown.
    let update = "UPDATE tasks SET scheduled_at = 4102444800000";
    connection().execute_batch(update).unwrap();
    for columns in [70, 100] {
        for name in ["list", "kinds"] {
            let table = stdout(command(&[name]).env("COLUMNS", columns.to_string()));
            let widest = table.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(columns), "{table}");
            insta::assert_snapshot!(format!("{name}_{columns}"), table);
        }
    }
    let unknown = stdout(command(&["list"]).env("COLUMNS", "0"));
    assert_eq!(unknown, stdout(&mut command(&["list"])));
    assert_eq!(unknown.lines().count(), 6);
}

#[tokio::test]
async fn a_terminal_has_colours_and_a_file_has_none() {
    a_few_tasks().await;
    for arguments in [&["list"][..], &["show", "2"]] {
        assert!(!stdout(&mut command(arguments)).contains('\u{1b}'));
        let colored = stdout(command(arguments).env("CLICOLOR_FORCE", "1"));
        assert!(colored.contains("\u{1b}["), "{colored}");
    }
}

#[tokio::test]
async fn what_is_in_the_database_has_no_colours() {
    store();
    let task =
        "INSERT INTO tasks (task_kind, task_parameters, instance, status, created_at, updated_at)
                VALUES (char(27) || '[31mFAKE', '{}', char(27) || '[31mFAKE', 'running', 0, 0)";
    connection().execute_batch(task).unwrap();
    for arguments in [&["list"][..], &["show", "1"]] {
        let colored = stdout(command(arguments).env("CLICOLOR_FORCE", "1"));
        assert!(colored.contains("\u{fffd}[31mFAKE"), "{colored}");
    }
}

#[tokio::test]
async fn a_program_reads_json() {
    a_few_tasks().await;
    insta::assert_snapshot!(program(&["list", "--json", "--limit", "1"]));
    let shown = program(&["show", "2", "--json"]);
    let shown: Vec<_> = shown
        .lines()
        .filter(|line| !line.contains("place"))
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
    insta::assert_snapshot!(program(&["kinds", "--json"]));
    assert_eq!(json_of(&["list", "--json", "--limit", "0"]), json!([]));
    let failed = json_of(&["list", "--json", "--status", "failed"]);
    assert_eq!(failed[0]["id"], 2);
    let strange = json_of(&["show", "5", "--json"]);
    assert_eq!(strange["parameters"]["text"], "\u{1b}[31m\u{9b}31m\n");
    assert!(!program(&["show", "5", "--json"]).contains('\u{9b}'));
}

#[tokio::test]
async fn a_long_text_is_cut_before_it_is_laid_out() {
    let store = store();
    let long = json!({ "text": "y".repeat(1_000_000) });
    store.create(NewTask::new("test", long)).await.unwrap();
    let list = stdout(command(&["list"]).env("COLUMNS", "100"));
    assert!(
        list.lines().all(|line| line.chars().count() <= 100),
        "{list}"
    );
    let list = stdout(&mut command(&["list"]));
    assert!(list.len() < 300, "{list}");
}

/// Enough of them to fill a pipe.
#[tokio::test]
async fn a_reader_that_has_gone_has_had_what_it_wanted() {
    let store = store();
    create_tasks(&store, 2000).await;
    let mut child = command(&["list", "--limit", "2000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn parameters_may_come_from_another_program() {
    let mut child = command(&["create", "waiting", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"{\"waiting_time\": 0.5}\n").unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.stdout, b"1 task created\n");
    assert_eq!(
        rows("SELECT task_parameters FROM tasks"),
        r#"{"waiting_time":0.5}"#
    );
}

#[test]
fn each_shell_gets_its_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = program(&["completions", shell]);
        assert!(script.contains("until-empty"), "{shell}");
    }
}
