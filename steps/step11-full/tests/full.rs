//! The engine as a tool: its library as an application uses it, its program as a user does.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::{acquire, at, create_tasks, database, new_task, rows, store};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use task_engine::{
    Clock, Config, Engine, EngineBuilder, EngineHandle, Error, Handler, NewTask, Registry,
    RetryPolicy, RunningEngine, Store, Task, TaskError, TaskExecution, TaskHandler, TaskRecord,
    TaskStatus,
};
use tokio::sync::Notify;

/// 2027-01-15T08:00:00Z.
const START: i64 = 1_800_000_000_000;

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_task-engine"));
    command
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("TASK_ENGINE_DATABASE", database())
        .env("TZ", "UTC")
        .stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

/// What a command that succeeds prints.
fn said(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    stdout(&output).to_owned()
}

/// What a command prints in a window of this width.
fn said_in(columns: u16, arguments: &[&str]) -> String {
    let output = command(arguments)
        .env("COLUMNS", columns.to_string())
        .output();
    stdout(&output.unwrap()).to_owned()
}

fn json_of(arguments: &[&str]) -> Value {
    serde_json::from_str(&said(arguments)).unwrap()
}

/// Runs the program until nothing is left to do.
fn drain() -> Output {
    let output = run(&["start", "--until-empty", "--instance", "drain"]);
    assert!(output.status.success(), "{}", stderr(&output));
    output
}

// The library

#[derive(Serialize, Deserialize)]
struct CountdownTask {
    from: u32,
}

impl TaskHandler for CountdownTask {
    const KIND: &'static str = "countdown";
    type Output = u32;

    async fn execute(self, _task: &Task) -> Result<u32, TaskError> {
        Ok(self.from)
    }
}

#[test]
fn what_an_application_shares_between_threads_can_be_shared() {
    fn shared<T: Send + Sync>() {}
    fn moved<T: Send>(_: &T) {}
    shared::<Clock>();
    shared::<Config>();
    shared::<Engine>();
    shared::<EngineBuilder>();
    shared::<EngineHandle>();
    shared::<Error>();
    shared::<Handler>();
    shared::<NewTask>();
    shared::<Registry>();
    shared::<RetryPolicy>();
    shared::<RunningEngine>();
    shared::<Store>();
    shared::<Task>();
    shared::<TaskError>();
    shared::<TaskExecution>();
    shared::<TaskRecord>();

    let store = store();
    moved(&store.create_task(&CountdownTask { from: 3 }));
    moved(&Engine::builder(store.clone()).start());
    moved(&Engine::builder(store.clone()).build().run());
    moved(&store.transaction(|_tx, _now| Ok::<_, Error>(())));
}

#[tokio::test]
async fn an_engine_is_built_started_and_shut_down() {
    let store = store();
    let id = store.create_task(&CountdownTask { from: 3 }).await.unwrap();

    let engine = Engine::builder(store.clone()).handler::<CountdownTask>();
    let engine = engine.instance("ours").workers(1).start().await.unwrap();
    while store.count_tasks(TaskStatus::Stopped).await.unwrap() == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    engine.shutdown().await.unwrap();

    let (task, executions) = store.find_task(id).await.unwrap();
    assert_eq!(task.instance.as_deref(), Some("ours"));
    assert_eq!(executions[0].result, Some(json!(3)));
}

#[tokio::test]
async fn an_engine_says_at_once_that_it_cannot_start() {
    let store = store();
    create_tasks(&store, 1).await;
    acquire(&store).await.unwrap();

    let refused = Engine::builder(store).instance("test").start().await;

    assert!(matches!(refused.err(), Some(Error::StillRunning { .. })));
}

#[tokio::test]
async fn an_engine_without_a_name_gets_one_of_its_own() {
    let store = store();
    let engine = || Engine::builder(store.clone()).build().handle();
    let (one, other) = (engine(), engine());

    assert_ne!(one.instance(), other.instance());
    let process = std::process::id().to_string();
    assert!(one.instance().contains(&process), "{}", one.instance());
}

#[tokio::test]
async fn an_engine_goes_on_when_its_value_is_dropped_and_stops_by_its_handle() {
    let store = store();
    let handler = Handler::new(|_| async {});
    let engine = Engine::builder(store.clone()).handler_of("test", handler);
    let engine = engine.start().await.unwrap();
    let handle = engine.handle();
    drop(engine);

    create_tasks(&store, 1).await;
    while handle.ended_tasks() == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    handle.stop();
}

#[tokio::test]
async fn a_stop_is_not_a_wait() {
    let store = store();
    create_tasks(&store, 1).await;
    let (started, end) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let inside = (started.clone(), end.clone());
    let handler = Handler::new(move |_| {
        let (started, end) = inside.clone();
        async move {
            started.notify_one();
            end.notified().await;
        }
    });
    let engine = Engine::builder(store.clone())
        .workers(1)
        .handler_of("test", handler);
    let engine = engine.start().await.unwrap();
    started.notified().await;

    engine.stop();

    assert_eq!(engine.running_tasks(), BTreeSet::from([1]));
    create_tasks(&store, 1).await;
    end.notify_one();
    engine.wait().await.unwrap();
    assert_eq!(store.count_tasks(TaskStatus::Stopped).await.unwrap(), 1);
    assert_eq!(store.count_tasks(TaskStatus::Waiting).await.unwrap(), 1);
}

/// Each creates the next one, so that there are moments with nothing in the database but a task
/// that runs.
#[tokio::test]
async fn a_drained_store_has_nothing_due_even_if_tasks_create_others() {
    let store = store();
    let inside = store.clone();
    let countdown = Handler::fallible(move |task: Task| {
        let store = inside.clone();
        async move {
            let CountdownTask { from } = serde_json::from_str(&task.parameters)?;
            if let Some(from) = from.checked_sub(1) {
                store.create_task(&CountdownTask { from }).await.unwrap();
            }
            Ok(from)
        }
    });
    store
        .create_task(&CountdownTask { from: 20 })
        .await
        .unwrap();
    let later = Clock::System.now() + Duration::from_hours(1);
    let last = CountdownTask { from: 0 };
    store.create_task_at(&last, later).await.unwrap();

    let engine = Engine::builder(store.clone()).handler_of("countdown", countdown);
    engine.start().await.unwrap().drain().await.unwrap();

    assert_eq!(store.count_tasks(TaskStatus::Stopped).await.unwrap(), 21);
    assert_eq!(store.count_tasks(TaskStatus::Waiting).await.unwrap(), 1);
}

/// Between the moment when a worker takes a task and the one when its engine knows, only the
/// database does.
#[tokio::test]
async fn there_is_work_as_long_as_a_task_is_due_or_runs() {
    let store = Store::open_with_clock(database(), Clock::manual(at(START))).unwrap();
    let kinds = ["test".to_owned()];
    let has_work = || async { store.has_work("test", &kinds).await.unwrap() };
    assert!(!has_work().await);
    let later = new_task("test", "{}").at(at(START + 1));
    store.create_new_task(later).await.unwrap();
    store
        .create_new_task(new_task("other", "{}"))
        .await
        .unwrap();
    assert!(!has_work().await);

    create_tasks(&store, 1).await;
    assert!(has_work().await);
    let task = acquire(&store).await.unwrap();
    assert!(has_work().await);
    assert!(!store.has_work("another", &kinds).await.unwrap());
    common::end(&store, task.id).await.unwrap();
    assert!(!has_work().await);
}

/// They share a store, and each sleeps until there is a task that it knows.
#[tokio::test(start_paused = true)]
async fn two_engines_in_one_process_each_wake_for_their_own_kind() {
    let store = store();
    let mut engines = Vec::new();
    for kind in ["one", "two"] {
        let engine = Engine::builder(store.clone())
            .workers(1)
            .watch_interval(Duration::MAX)
            .wake_up_interval(Duration::MAX)
            .handler_of(kind, Handler::new(|_| async {}));
        engines.push(engine.start().await.unwrap());
    }
    // Time passes when nobody has anything else to do: then both sleep.
    tokio::time::sleep(Duration::from_secs(1)).await;

    for kind in ["one", "two", "two", "one"] {
        let id = store.create_new_task(new_task(kind, "{}")).await.unwrap();
        let executed = async {
            while store.find_task(id).await.unwrap().0.status != TaskStatus::Stopped {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let executed = tokio::time::timeout(Duration::from_mins(1), executed).await;
        executed.expect("nobody was woken for this kind");
    }

    for engine in engines {
        assert_eq!(engine.handle().ended_tasks(), 2);
        engine.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn what_the_database_holds_is_read_even_if_no_calendar_nor_parser_knows_it() {
    let store = store();
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200));
    store
        .create_new_task(new_task("test", &deep))
        .await
        .unwrap();
    let connection = Connection::open(database()).unwrap();
    let far = "UPDATE tasks SET scheduled_at = ?1, created_at = ?2";
    connection.execute(far, [i64::MAX, i64::MIN]).unwrap();

    let (task, _) = store.find_task(1).await.unwrap();

    assert_eq!(task.parameters, Value::String(deep));
    assert_eq!(task.scheduled_at, at(i64::MAX));
    assert_eq!(task.created_at, at(i64::MIN));
    said(&["list"]);
    said(&["show", "1"]);
}

// The program

#[test]
fn the_help_says_all() {
    let commands = [
        "",
        "start",
        "create",
        "list",
        "show",
        "retry",
        "kinds",
        "demo",
        "completions",
    ];
    let help = commands.map(|name| {
        let arguments: &[&str] = if name.is_empty() {
            &["--help"]
        } else {
            &[name, "--help"]
        };
        let help = command(arguments)
            .env_remove("TASK_ENGINE_DATABASE")
            .env("COLUMNS", "80")
            .output();
        format!(
            "$ task-engine {}\n{}",
            arguments.join(" "),
            stdout(&help.unwrap())
        )
    });
    let help = help.join("\n");
    let widest = help
        .lines()
        .max_by_key(|line| line.chars().count())
        .unwrap();
    assert!(widest.chars().count() <= 80, "{widest}");
    insta::assert_snapshot!(help);
}

#[test]
fn each_shell_gets_its_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = said(&["completions", shell]);
        assert!(script.contains("until-empty"), "{shell}");
    }
}

#[test]
fn what_is_only_read_is_not_made() {
    for arguments in [&["list"][..], &["show", "1"], &["retry", "1"]] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(1));
        assert!(
            stderr(&output).contains("there is no database"),
            "{output:?}"
        );
    }
    assert!(said(&["kinds"]).contains("command"));
    let refused = run(&["create", "nothing"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(!database().exists());
}

#[tokio::test]
async fn tasks_are_created_one_by_one_or_many_at_once_from_an_argument_or_a_file() {
    let parameters = r#"{"waiting_time": 0}"#;
    assert_eq!(said(&["create", "waiting", parameters]), "task 1 created\n");
    assert_eq!(
        said(&["create", "waiting", parameters, "--count", "3"]),
        "3 tasks created\n"
    );
    let mut child = command(&["create", "waiting", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(parameters.as_bytes())
        .unwrap();
    assert_eq!(
        stdout(&child.wait_with_output().unwrap()),
        "task 5 created\n"
    );

    let output = drain();

    assert_eq!(store().count_tasks(TaskStatus::Stopped).await.unwrap(), 5);
    assert_eq!(stderr(&output).matches(" task finished ").count(), 5);
    assert!(!stderr(&output).contains('\u{1b}'));
}

/// A task in each state.
async fn a_few_tasks() -> Store {
    let clock = Clock::manual(at(START));
    let store = Store::open_with_clock(database(), clock.clone()).unwrap();
    create_tasks(&store, 3).await;
    for _ in 0..3 {
        acquire(&store).await.unwrap();
    }
    clock.advance(Duration::from_millis(5030));
    let result = json!({ "sent": [1, 2, 3], "text": "a long text that takes some room" });
    let policy = RetryPolicy::default();
    store
        .end_task(1, Ok(result.to_string()), &policy)
        .await
        .unwrap();
    let error = TaskError::permanent("ten".parse::<u32>().unwrap_err());
    store.end_task(2, Err(error), &policy).await.unwrap();
    // Whether there is a backtrace depends on the environment.
    let connection = Connection::open(database()).unwrap();
    let without = "UPDATE task_executions SET error = json_remove(error, '$.backtrace')";
    connection.execute(without, []).unwrap();
    let parameters = json!({
        "program": "ffmpeg",
        "arguments": ["-i", "an input file with a long name.mkv", "-crf", "23", "output.mp4"],
    });
    store
        .create_new_task(NewTask::new("command", &parameters))
        .await
        .unwrap();
    store
        .create_new_task(NewTask::new(
            "from elsewhere",
            &json!({ "text": "\u{1b}[31m\n" }),
        ))
        .await
        .unwrap();
    store
}

#[tokio::test]
async fn tables_are_as_wide_as_the_window() {
    a_few_tasks().await;
    for columns in [80, 120] {
        for arguments in [&["list"][..], &["kinds"]] {
            let table = said_in(columns, arguments);
            assert!(
                table
                    .lines()
                    .all(|line| line.chars().count() <= columns.into()),
                "{table}"
            );
            assert!(!table.contains('\u{1b}'), "{table}");
            insta::assert_snapshot!(format!("{}_{columns}", arguments[0]), table);
        }
    }
    // Each task is on one line, for the programs that read it.
    assert_eq!(said(&["list"]).lines().count(), 6);
}

#[tokio::test]
async fn what_is_listed_or_shown_is_also_json() {
    a_few_tasks().await;

    assert_eq!(json_of(&["list", "--json"]).as_array().unwrap().len(), 5);
    assert_eq!(
        json_of(&["list", "--json", "--status", "failed"])[0]["id"],
        2
    );
    assert_eq!(json_of(&["list", "--json", "--limit", "0"]), json!([]));
    insta::assert_snapshot!(said(&["list", "--json", "--limit", "1"]));
    insta::assert_snapshot!(said(&["show", "--json", "2"]));
    insta::assert_snapshot!(said(&["show", "2"]));
    insta::assert_snapshot!(said(&["kinds", "--json"]));
}

#[tokio::test]
async fn an_ended_task_is_put_back_with_all_its_retries_to_come() {
    let store = a_few_tasks().await;
    let connection = Connection::open(database()).unwrap();
    let retried = r#"UPDATE tasks SET context = '{"retry_number":10,"other":1}' WHERE id = 2"#;
    connection.execute(retried, []).unwrap();

    assert_eq!(
        said(&["retry", "1", "2"]),
        "task 1 is waiting again\ntask 2 is waiting again\n"
    );

    for id in [1, 2] {
        let (task, executions) = store.find_task(id).await.unwrap();
        assert_eq!((task.status, task.retries), (TaskStatus::Waiting, 0));
        assert_eq!(task.instance, None);
        assert!(task.scheduled_at <= Clock::System.now());
        assert_eq!(executions.len(), 1);
    }
    assert!(rows("tasks").contains(r#"{"other":1}"#));
    for (id, reason) in [
        ("3", "task 3 is running"),
        ("1", "task 1 is waiting"),
        ("9", "no task 9"),
    ] {
        let refused = run(&["retry", id]);
        assert_eq!(refused.status.code(), Some(1));
        assert!(stderr(&refused).contains(reason), "{refused:?}");
    }
}

#[tokio::test]
async fn stranded_tasks_are_put_back_when_it_is_sure_that_their_engine_is_dead() {
    let store = a_few_tasks().await;
    create_tasks(&store, 1).await;
    acquire(&store).await.unwrap();
    let connection = Connection::open(database()).unwrap();
    let retried = r#"UPDATE tasks SET context = '{"retry_number":4}' WHERE id = 6"#;
    connection.execute(retried, []).unwrap();
    let before = rows("tasks") + &rows("task_executions");

    let start = run(&["start", "--instance", "test"]);
    assert_eq!(start.status.code(), Some(3));
    insta::assert_snapshot!(stderr(&start), @r#"error: tasks [3, 6] are still marked as running under the name "test": another engine is using this name, or one was killed. If none is using it, put these tasks back with `task-engine retry --stranded "test"`; or else choose another name"#);
    let refused = run(&["retry", "--stranded", "test"]);
    assert_eq!(refused.status.code(), Some(4));
    insta::assert_snapshot!(stderr(&refused), @r#"
    marked as running under the name "test": [3, 6]
    error: nothing is changed: make sure that no engine named "test" is running, since its tasks would be executed twice, then say so with --yes
    "#);
    assert_eq!(rows("tasks") + &rows("task_executions"), before);
    insta::assert_snapshot!(said(&["retry", "--stranded", "other", "--yes"]), @r#"no task is marked as running under the name "other""#);

    insta::assert_snapshot!(said(&["retry", "--stranded", "test", "--yes"]), @"
    task 3 is waiting again
    task 6 is waiting again
    ");

    for (id, retries) in [(3, 0), (6, 4)] {
        let (task, executions) = store.find_task(id).await.unwrap();
        assert_eq!((task.status, task.retries), (TaskStatus::Waiting, retries));
        assert_eq!(task.scheduled_at, task.updated_at);
        assert_eq!(task.instance, None);
        let error = executions[0].error.as_ref().unwrap();
        insta::allow_duplicates! {
            insta::assert_snapshot!(error["message"].as_str().unwrap(), @r#"the engine "test" was killed while it executed this task"#);
        }
        assert!(executions[0].stopped_at.is_some());
    }
    assert!(store.running_tasks("test").await.unwrap().is_empty());
}

/// If one of them can't be written, the others are, each as a whole.
#[tokio::test]
async fn a_stranded_task_is_put_back_as_a_whole_or_not_at_all() {
    let store = store();
    create_tasks(&store, 1).await;
    acquire(&store).await.unwrap();
    let connection = Connection::open(database()).unwrap();
    let refuse = "CREATE TRIGGER refuse BEFORE UPDATE ON tasks
                  BEGIN SELECT RAISE(ABORT, 'refused'); END";
    connection.execute_batch(refuse).unwrap();
    let before = rows("tasks") + &rows("task_executions");

    store.retry_stranded_tasks("test").await.unwrap_err();

    assert_eq!(rows("tasks") + &rows("task_executions"), before);
}

#[tokio::test]
async fn an_engine_that_empties_the_store_leaves_what_is_for_later() {
    said(&["create", "waiting", r#"{"waiting_time": 0}"#]);
    said(&["create", "waiting", r#"{"waiting_time": 0}"#, "--in", "1h"]);
    said(&["create", "failing_not_retry_error"]);
    said(&["create", "failing"]);

    drain();

    let store = store();
    let mut statuses = Vec::new();
    for id in 1..=4 {
        let (task, executions) = store.find_task(id).await.unwrap();
        statuses.push((task.status.as_str(), executions.len()));
    }
    let expected = [
        ("stopped", 1),
        ("waiting", 0),
        ("failed", 1),
        ("waiting", 1),
    ];
    assert_eq!(statuses, expected);
}

#[tokio::test]
async fn nobody_panics_when_the_reader_has_gone() {
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
    assert_eq!(stderr(&output), "");
}

// Tasks that launch a program

/// Executes a task of kind `command`, and gives its last execution.
fn launch(parameters: &Value) -> Value {
    let created = said(&["create", "command", &parameters.to_string()]);
    let id = created.split_whitespace().nth(1).unwrap();
    drain();
    let mut task = json_of(&["show", id, "--json"]);
    task["executions"].as_array_mut().unwrap().pop().unwrap()
}

fn shell(script: &str) -> Value {
    launch(&json!({ "program": "sh", "arguments": ["-c", script] }))
}

fn message(execution: &Value) -> &str {
    execution["error"]["message"].as_str().unwrap()
}

#[test]
fn a_command_returns_what_it_has_written() {
    let execution = launch(&json!({ "program": "echo", "arguments": ["a  b", "$HOME; *"] }));
    let expected = json!({
        "exit_status": 0,
        "stdout": "a  b $HOME; *\n",
        "stderr": "",
        "truncated": false,
    });
    assert_eq!(execution["result"], expected);
    let execution = shell("echo out; echo err >&2; read line || echo no input");
    assert_eq!(execution["result"]["stdout"], "out\nno input\n");
    assert_eq!(execution["result"]["stderr"], "err\n");
}

#[test]
fn a_command_that_fails_says_how_and_why() {
    insta::assert_snapshot!(message(&shell("echo 'no room left' >&2; exit 3")), @r#""sh" ended with exit status 3: no room left"#);
    insta::assert_snapshot!(message(&shell("kill -9 $$")), @r#""sh" was ended by SIGKILL (9)"#);
    insta::assert_snapshot!(message(&launch(&json!({ "program": "/no/such/program" }))), @r#"can't launch "/no/such/program": No such file or directory (os error 2)"#);
    let nowhere = json!({ "program": "true", "directory": "/no/such/folder" });
    insta::assert_snapshot!(message(&launch(&nowhere)), @r#"can't launch "true" in "/no/such/folder": No such file or directory (os error 2)"#);
    assert_eq!(
        json_of(&["list", "--json", "--status", "waiting"])
            .as_array()
            .unwrap()
            .len(),
        4
    );

    let long = shell("for i in $(seq 1000); do echo line $i >&2; done; exit 1");
    let words = message(&long);
    assert!(
        words.len() < 1100 && words.ends_with("line 999\nline 1000"),
        "{words}"
    );
    assert!(words.contains("status 1: line "), "{words}");
}

#[test]
fn a_command_may_write_more_than_is_kept() {
    let both = "head -c 1000000 /dev/zero | tr '\\0' o; head -c 1000000 /dev/zero | tr '\\0' e >&2";
    let execution = shell(&format!("{both}; echo last"));
    let result = &execution["result"];
    let (stdout, stderr) = (result["stdout"].as_str(), result["stderr"].as_str());
    assert_eq!(stdout.unwrap().len(), 64 * 1024);
    assert!(stdout.unwrap().ends_with("olast\n"));
    assert_eq!(stderr.unwrap().len(), 64 * 1024);
    assert_eq!(result["truncated"], true);
}

#[test]
fn a_command_may_write_what_is_no_text() {
    let execution = shell("printf 'a\\377b\\0c'");
    assert_eq!(execution["result"]["stdout"], "a\u{fffd}b\0c");
}

#[test]
fn a_command_runs_where_and_with_what_it_is_told() {
    let folder = database().parent().unwrap().canonicalize().unwrap();
    let execution = launch(&json!({
        "program": "sh",
        "arguments": ["-c", "pwd; echo $COLOR; test -n \"$PATH\" && echo path"],
        "directory": folder,
        "environment": { "COLOR": "blue" },
    }));
    let expected = format!("{}\nblue\npath\n", folder.display());
    assert_eq!(execution["result"]["stdout"], expected);
    for wrong in [
        "{}",
        r#"{"program": 3}"#,
        r#"{"program": "ls", "args": []}"#,
    ] {
        let refused = run(&["create", "command", wrong]);
        assert_eq!(refused.status.code(), Some(1), "{wrong}");
    }
}

/// Ctrl+C goes to the whole group of the terminal: the programs of tasks are in others.
#[tokio::test]
async fn a_command_ends_in_peace_when_the_engine_is_asked_to_stop() {
    let folder = database().parent().unwrap().to_owned();
    let script = "touch started; while ! test -e go; do sleep 0.01; done; echo done";
    let parameters = json!({ "program": "sh", "arguments": ["-c", script], "directory": folder });
    said(&["create", "command", &parameters.to_string()]);
    let mut engine = command(&["start"])
        .process_group(0)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while !folder.join("started").exists() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    let group = Pid::from_raw(engine.id().try_into().unwrap());
    killpg(group, Signal::SIGINT).unwrap();
    let mut log = BufReader::new(engine.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("stop requested") {
        line.clear();
        assert_ne!(log.read_line(&mut line).unwrap(), 0);
    }
    fs::write(folder.join("go"), "").unwrap();
    log.read_to_string(&mut line).unwrap();

    assert!(engine.wait().unwrap().success());
    let (task, executions) = store().find_task(1).await.unwrap();
    assert_eq!(task.status, TaskStatus::Stopped);
    assert_eq!(executions[0].result.as_ref().unwrap()["stdout"], "done\n");
}

/// The demonstration takes some seconds: what it leaves is the same each time.
#[test]
fn the_demonstration_ends_well() {
    static FOUND: AtomicBool = AtomicBool::new(false);
    let said = said(&["demo"]);
    assert!(
        said.contains("10 succeeded, 2 failed; 2 of them were retried"),
        "{said}"
    );
    for line in said.lines() {
        if let Some((_, path)) = line.split_once("TASK_ENGINE_DATABASE=") {
            FOUND.store(true, Ordering::Relaxed);
            fs::remove_dir_all(std::path::Path::new(path).parent().unwrap()).unwrap();
        }
    }
    assert!(FOUND.load(Ordering::Relaxed));
}
