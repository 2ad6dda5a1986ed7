//! What the tests share.
#![allow(dead_code, reason = "each test file uses its part of it")]

use std::cell::RefCell;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, Once};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;
use rusqlite::trace::{TraceEvent, TraceEventCodes};
use rusqlite::types::ValueRef;
use serde_json::Value;
use task_engine::{
    Config, Engine, Error, Handler, NewTask, Registry, RetryPolicy, Store, Task, TaskStatus,
};
use tempfile::TempDir;

/// A store of its own for each test.
pub fn store() -> Store {
    capture_log();
    Store::open(database()).unwrap()
}

/// The file where [`store`] keeps its tasks.
pub fn database() -> PathBuf {
    FOLDER.with(|folder| folder.path().join("task_engine.db"))
}

thread_local! {
    /// Each test runs in a thread of its own, and the folder goes when the thread ends.
    static FOLDER: TempDir = TempDir::new().unwrap();
}

/// What another program sees in the database.
pub fn rows(table: &str) -> String {
    let connection = Connection::open(database()).unwrap();
    let mut statement = connection
        .prepare(&format!("SELECT * FROM {table}"))
        .unwrap();
    let columns: Vec<String> = statement.column_names().iter().map(|&c| c.into()).collect();
    let mut rows = statement.query([]).unwrap();
    let mut text = columns.join(" | ");
    while let Some(row) = rows.next().unwrap() {
        let values: Vec<String> = (0..columns.len())
            .map(|i| match row.get_ref(i).unwrap() {
                ValueRef::Null => "NULL".to_owned(),
                ValueRef::Integer(integer) => integer.to_string(),
                value => value.as_str().unwrap().to_owned(),
            })
            .collect();
        text = format!("{text}\n{}", values.join(" | "));
    }
    text
}

/// The statements that this store sends to SQLite meanwhile.
pub async fn statements(store: &Store, work: impl Future) -> Vec<String> {
    static STATEMENTS: Mutex<Vec<String>> = Mutex::new(Vec::new());
    // Tracing has one place for what it finds: one test at a time.
    static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let _alone = ALONE.lock().await;
    let trace: fn(TraceEvent) = |event| {
        if let TraceEvent::Stmt(statement, _) = event {
            let sql = statement.sql();
            let words: Vec<_> = sql.split_whitespace().collect();
            STATEMENTS.lock().unwrap().push(words.join(" "));
        }
    };
    set_trace(store, Some(trace)).await;
    work.await;
    set_trace(store, None).await;
    STATEMENTS.lock().unwrap().split_off(0)
}

/// How SQLite searches the tables for the statements that this store sends meanwhile.
pub async fn query_plans(store: &Store, work: impl Future) -> String {
    let statements = statements(store, work).await;
    let connection = Connection::open(database()).unwrap();
    let plan = |sql: &String| -> String {
        let explain = format!("EXPLAIN QUERY PLAN {sql}");
        let mut explain = connection.prepare(&explain).unwrap();
        let steps = explain.raw_query().mapped(|row| row.get("detail"));
        let steps: Vec<String> = steps.map(Result::unwrap).collect();
        format!("{sql}\n    {}\n", steps.join("\n    "))
    };
    let searches = statements.iter().filter(|sql| sql.contains("WHERE"));
    searches.map(plan).collect()
}

async fn set_trace(store: &Store, trace: Option<fn(TraceEvent)>) {
    let set: Result<(), Error> = store
        .transaction(move |tx, _now| {
            tx.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, trace);
            Ok(())
        })
        .await;
    set.unwrap();
}

/// What the program prints about the tasks of the database, on both outputs.
pub fn program(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_task-engine"))
        .args(arguments)
        .env("TASK_ENGINE_DATABASE", database())
        .env("TZ", "UTC")
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8(text).unwrap()
}

/// A task that is yet to be created.
pub fn new_task(kind: &str, parameters: &str) -> NewTask {
    let mut task = NewTask::new(kind, &Value::Null);
    parameters.clone_into(&mut task.parameters);
    task
}

/// A time in milliseconds since the Unix epoch, or the nearest that there is.
pub fn at(millis: i64) -> Timestamp {
    let nearest = if millis < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    Timestamp::from_millisecond(millis).unwrap_or(nearest)
}

/// Creates tasks and returns their numbers.
pub async fn create_tasks(store: &Store, count: usize) -> Vec<i64> {
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(store.create_new_task(new_task("test", "{}")).await.unwrap());
    }
    ids
}

/// Creates a task in a transaction, as another program does.
pub fn insert_task(tx: &Connection, now: Timestamp) {
    let insert = "INSERT INTO tasks (task_kind, task_parameters, created_at, updated_at)
                  VALUES ('test', '{}', ?1, ?1)";
    tx.execute(insert, [now.as_millisecond()]).unwrap();
}

/// Acquires a task, as a worker does.
pub async fn acquire(store: &Store) -> Option<Task> {
    let kinds = ["test".to_owned()];
    store.try_acquire_task("test", &kinds).await.unwrap()
}

/// Ends a task, as a worker does.
pub async fn end(store: &Store, id: i64) -> Result<(), Error> {
    end_with(store, id, "null").await
}

/// Does the same with a result.
pub async fn end_with(store: &Store, id: i64, result: &str) -> Result<(), Error> {
    let outcome = Ok(result.to_owned());
    let ended = store.end_task(id, outcome, &RetryPolicy::default()).await;
    ended.map(drop)
}

/// Executes the tasks, one at a time, until none is left.
pub async fn run(store: &Store, handler: Handler) {
    run_side_by_side(1, store, handler).await;
}

/// Executes the tasks, as many at a time as there are workers, until none is left.
pub async fn run_side_by_side(workers: u16, store: &Store, handler: Handler) {
    drain(engine(workers, store, handler), store).await.unwrap();
}

/// Runs an engine until no task is left in the store.
pub async fn drain(engine: Engine, store: &Store) -> Result<(), Error> {
    let handle = engine.handle();
    let running = tokio::spawn(engine.run());
    while store.count_tasks(TaskStatus::Waiting).await? > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    handle.stop();
    running.await.unwrap()?;
    let failed = store.count_tasks(TaskStatus::Failed).await?;
    assert_eq!(failed, 0, "tasks have failed:\n{}", rows("task_executions"));
    Ok(())
}

/// An engine for these tasks.
pub fn engine(workers: u16, store: &Store, handler: Handler) -> Engine {
    engine_named("test", workers, store, handler)
}

/// Another engine for these tasks, in the same process.
pub fn other_engine(workers: u16, store: &Store, handler: Handler) -> Engine {
    engine_named("other", workers, store, handler)
}

/// An engine of this name for these tasks.
pub fn engine_named(name: &str, workers: u16, store: &Store, handler: Handler) -> Engine {
    let registry = Registry::default().with_handler("test", handler);
    engine_with(name, workers, store, registry)
}

/// An engine of this name for tasks of these kinds.
pub fn engine_with(name: &str, workers: u16, store: &Store, registry: Registry) -> Engine {
    let config = Config {
        workers,
        // A task that fails is not retried: the test that didn't expect it ends, and fails too.
        retry: RetryPolicy {
            max_retries: 0,
            ..RetryPolicy::default()
        },
        ..Config::default()
    };
    Engine::new(name, store.clone(), registry, config)
}

/// What this thread has logged so far.
pub fn log() -> String {
    LOG.with_borrow(|log| String::from_utf8(log.clone()).unwrap())
}

thread_local! {
    static LOG: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// One subscriber for the process, installed before the first event, but a log for each thread:
/// tests run side by side, each in its thread, and each reads its own.
fn capture_log() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing_subscriber::fmt()
            .with_target(false)
            .with_writer(|| ThreadLog)
            .without_time()
            .init();
    });
}

struct ThreadLog;

impl Write for ThreadLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.with_borrow_mut(|log| log.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
