//! A stop that doesn't wait for ever.

use std::future::pending;
use std::process::Command;
use std::sync::Mutex;
use std::sync::mpsc;
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::json;
use step45_savepoints::{
    Config, Context, Engine, Handler, Registry, RetryPolicy, RunningEngine, Store, TaskError,
};
use tokio::sync::Notify;

use crate::common::{connection, log, new_task, rows, store, until};

const TASK: &str = "SELECT status, instance, engine_id, context -> '$.retry_number',
                    context -> '$.crash_number' FROM tasks";
const EXECUTIONS: &str =
    "SELECT status, result, error ->> 'type', error ->> 'message' FROM task_executions";

const SHORT: Duration = Duration::from_millis(20);

async fn start(
    store: &Store,
    name: &str,
    handler: Handler,
    grace: Option<Duration>,
) -> RunningEngine {
    let config = Config {
        instance: name.to_owned(),
        workers: 1,
        grace,
        cancellation_grace: SHORT,
        // Nothing comes by itself while a test lasts.
        wake_up_interval: Duration::from_hours(1),
        retry_policy: RetryPolicy {
            first_delay: Duration::ZERO,
            ..RetryPolicy::default()
        },
        ..Config::default()
    };
    let registry = Registry::default().with_handler("test", handler);
    let engine = Engine::new(store.clone(), registry, config);
    engine.start().await.unwrap()
}

/// Stops an engine in the midst of the only task.
async fn stop_amidst(handler: Handler, grace: Option<Duration>) {
    let store = store();
    store.create(new_task()).await.unwrap();
    let engine = start(&store, "test", handler, grace).await;
    until(|| rows(TASK).starts_with("running")).await;
    engine.shutdown().await.unwrap();
}

/// One that listens.
async fn listens(context: Context) -> Result<&'static str, TaskError> {
    context.cancelled().await;
    Err("half-way".into())
}

#[tokio::test]
async fn a_task_that_takes_longer_is_put_back_as_if_it_had_not_run() {
    stop_amidst(Handler::fallible(listens), Some(SHORT)).await;
    assert_eq!(rows(TASK), "waiting | NULL | NULL | NULL | NULL");
    assert_eq!(
        rows(EXECUTIONS),
        "failure | NULL | stop | the engine stops: half-way"
    );
    assert!(log().contains("reason=the engine stops"), "{}", log());
    assert!(log().contains("task put back worker="), "{}", log());
    assert!(!log().contains("ERROR"), "{}", log());
}

#[tokio::test]
async fn so_is_one_that_does_not_listen() {
    stop_amidst(Handler::new(|_| pending::<()>()), Some(SHORT)).await;
    assert_eq!(rows(TASK), "waiting | NULL | NULL | NULL | NULL");
    assert_eq!(
        rows(EXECUTIONS),
        "failure | NULL | stop | the engine stops: cut short"
    );
}

#[tokio::test]
async fn one_that_ends_in_time_has_ended() {
    let handler = Handler::new(async |context: Context| {
        context.cancelled().await;
        "all of it"
    });
    stop_amidst(handler, Some(Duration::ZERO)).await;
    assert_eq!(rows("SELECT status FROM tasks"), "stopped");
    assert_eq!(rows(EXECUTIONS), "success | \"all of it\" | NULL | NULL");
}

#[tokio::test]
async fn one_that_says_that_it_is_permanent_is_believed() {
    let handler = Handler::fallible(async |context: Context| {
        context.cancelled().await;
        Err::<(), _>(TaskError::permanent("no such address"))
    });
    stop_amidst(handler, Some(Duration::ZERO)).await;
    assert_eq!(rows("SELECT status FROM tasks"), "failed");
}

/// It has a chance with the next engine.
#[tokio::test]
async fn one_that_can_not_be_put_back_has_not_failed() {
    let store = store();
    store.create(new_task()).await.unwrap();
    let engine = start(&store, "test", Handler::fallible(listens), Some(SHORT)).await;
    until(|| rows(TASK).starts_with("running")).await;
    let refuse = "CREATE TRIGGER refuse BEFORE UPDATE ON tasks WHEN new.status = 'waiting'
                  BEGIN SELECT raise(ABORT, 'not now'); END";
    connection().execute_batch(refuse).unwrap();
    engine.shutdown().await.unwrap();
    assert_eq!(rows("SELECT status FROM tasks"), "running");
    let told = log();
    assert!(
        told.contains("task can't be ended") && told.contains("not now"),
        "{told}"
    );
}

#[tokio::test]
async fn without_a_grace_it_takes_as_long_as_it_takes() {
    let store = store();
    store.create(new_task()).await.unwrap();
    let release = std::sync::Arc::new(Notify::new());
    let released = release.clone();
    let handler = Handler::new(move |context: Context| {
        let released = released.clone();
        async move {
            released.notified().await;
            context.is_cancelled()
        }
    });
    let engine = start(&store, "test", handler, None).await;
    until(|| rows(TASK).starts_with("running")).await;
    engine.handle().stop();
    // Longer than what is short elsewhere; nothing is to happen.
    tokio::time::sleep(SHORT * 3).await;
    release.notify_one();
    engine.wait().await.unwrap();
    assert_eq!(rows(EXECUTIONS), "success | false | NULL | NULL");
}

#[tokio::test]
async fn before_a_stop_nothing_is_asked() {
    let store = store();
    store.create(new_task()).await.unwrap();
    let handler = Handler::new(async |context: Context| {
        tokio::time::sleep(SHORT).await;
        context.is_cancelled()
    });
    let engine = start(&store, "test", handler, Some(Duration::ZERO)).await;
    engine.drain().await.unwrap();
    assert_eq!(rows(EXECUTIONS), "success | false | NULL | NULL");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_does_not_wait_for_a_thread_that_is_kept_busy() {
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let handler = Handler::new(move |_| {
        released.lock().unwrap().recv().unwrap_err();
        async {}
    });
    stop_amidst(handler, Some(SHORT)).await;
    assert_eq!(rows(TASK), "waiting | NULL | NULL | NULL | NULL");
    drop(release);
}

#[tokio::test]
async fn it_keeps_the_retries_that_it_had() {
    let store = store();
    store.create(new_task()).await.unwrap();
    let handler = Handler::fallible(async |context: Context| {
        if context.task.retries < 2 {
            return Err("not yet".into());
        }
        listens(context).await
    });
    let engine = start(&store, "test", handler, Some(SHORT)).await;
    until(|| rows(TASK).starts_with("running | test | 1 | 2")).await;
    engine.shutdown().await.unwrap();
    assert_eq!(rows(TASK), "waiting | NULL | NULL | 2 | NULL");
}

#[tokio::test]
async fn another_engine_takes_it_at_once() {
    let store = store();
    store.create(new_task()).await.unwrap();
    let first = start(&store, "first", Handler::fallible(listens), Some(SHORT)).await;
    until(|| rows(TASK).starts_with("running")).await;
    let other = Handler::new(async |_| json!("elsewhere"));
    let second = start(&store, "second", other, Some(SHORT)).await;
    until(|| log().matches("engine started").count() == 2).await;
    // Asleep, until something wakes it.
    tokio::time::sleep(SHORT).await;
    first.shutdown().await.unwrap();
    until(|| rows("SELECT status FROM tasks") == "stopped").await;
    second.shutdown().await.unwrap();
    assert_eq!(rows("SELECT instance FROM tasks"), "second");
}

#[tokio::test]
async fn a_task_that_has_failed_in_time_has_failed() {
    let handler = Handler::fallible(async |_| {
        while rows("SELECT 1 FROM engines WHERE name = 'stopping'").is_empty() {
            tokio::task::yield_now().await;
        }
        Err::<(), _>(TaskError::permanent("wrong"))
    });
    let store = store();
    store.create(new_task()).await.unwrap();
    let engine = start(&store, "test", handler, Some(Duration::MAX)).await;
    until(|| rows(TASK).starts_with("running")).await;
    engine.handle().stop();
    rows("UPDATE engines SET name = 'stopping' RETURNING id");
    engine.wait().await.unwrap();
    assert_eq!(rows("SELECT status FROM tasks"), "failed");
}

#[test]
fn the_unit_of_systemd_starts_an_engine_and_gives_it_enough_time() {
    let unit = include_str!("../../examples/task-engine.service");
    let value = |key: &str| {
        let mut lines = unit.lines();
        lines.find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
    };
    let command = value("ExecStart").unwrap();
    let arguments = command.split(' ').skip(1);
    let program = env!("CARGO_BIN_EXE_step45-savepoints");
    let folder = tempfile::tempdir().unwrap();
    let status = Command::new(program)
        .args(arguments)
        .arg("--until-empty")
        .env("TASK_ENGINE_DATABASE", folder.path().join("unit.db"))
        .status();
    assert!(status.unwrap().success());

    let grace = command.split_once("--grace ").unwrap().1;
    let seconds = |text: &str| text.parse::<SignedDuration>().unwrap().as_secs();
    let needed = seconds(grace) + Config::default().cancellation_grace.as_secs().cast_signed();
    assert!(seconds(value("TimeoutStopSec").unwrap()) > needed);
}
