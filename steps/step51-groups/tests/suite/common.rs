//! What the tests share.

use std::cell::RefCell;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, Once};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::trace::{TraceEvent, TraceEventCodes};
use rusqlite::types::ValueRef;

use serde_json::json;
use step51_groups::{
    Config, Ending, Engine, Error, Execution, Handler, NewTask, Next, Registry, RetryPolicy,
    Selection, Store, Task,
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

/// The database, as another program sees it.
pub fn connection() -> Connection {
    Connection::open(database()).unwrap()
}

/// The tasks that aren't executed yet.
pub fn left() -> String {
    rows("SELECT id, status FROM tasks WHERE status IN ('waiting', 'running')")
}

/// What another program sees in the database: a line a row.
pub fn rows(query: &str) -> String {
    let connection = connection();
    let mut statement = connection.prepare(query).unwrap();
    let columns = statement.column_count();
    let mut rows = statement.query([]).unwrap();
    let mut lines = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let values = (0..columns).map(|i| match row.get_ref(i).unwrap() {
            ValueRef::Null => "NULL".to_owned(),
            ValueRef::Integer(integer) => integer.to_string(),
            value => String::from_utf8_lossy(value.as_bytes().unwrap()).into_owned(),
        });
        lines.push(values.collect::<Vec<_>>().join(" | "));
    }
    lines.join("\n")
}

/// Creates tasks and returns their numbers.
pub async fn create_tasks(store: &Store, count: usize) -> Vec<i64> {
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(store.create(new_task()).await.unwrap());
    }
    ids
}

/// The statements that this store sends to SQLite meanwhile.
pub async fn statements(store: &Store, work: impl Future) -> Vec<String> {
    static STATEMENTS: Mutex<Vec<String>> = Mutex::new(Vec::new());
    // Tracing has one place for what it finds: one test at a time.
    static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let _alone = ALONE.lock().await;
    let trace: fn(TraceEvent) = |event| {
        // A trigger is traced under its name.
        if let TraceEvent::Stmt(statement, text) = event
            && !text.starts_with("--")
        {
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

async fn set_trace(store: &Store, trace: Option<fn(TraceEvent)>) {
    let set = store.transaction(move |tx| {
        tx.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, trace);
        Ok(())
    });
    set.await.unwrap();
    let set = store.reader().read(move |sql| {
        sql.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, trace);
        Ok(())
    });
    set.await.unwrap();
}

/// A task that has failed, and was retried so many times.
pub fn failed(retries: u32) -> Task {
    Task {
        id: 7,
        execution: 1,
        kind: "test".to_owned(),
        parameters: json!({}),
        retries,
        correlation: "7".to_owned(),
        parent: None,
        timeout: None,
        tick: None,
    }
}

/// A task that is yet to be created.
pub fn new_task() -> NewTask {
    NewTask::new("test", json!({}))
}

/// Acquires a task, as a worker does.
pub async fn acquire(store: &Store) -> Option<Task> {
    let selection = Selection {
        instance: "test".into(),
        engine: None,
        kinds: ["test".to_owned()].into(),
        taken: Arc::default(),
    };
    store.try_acquire_task(&selection).await.unwrap().task
}

/// Ends a task, as a worker does.
pub async fn end(store: &Store, task: Task) -> Ending {
    store
        .end(&Execution::of(task), Ok(json!(null)), Next::Stopped)
        .await
        .unwrap()
}

/// Executes the tasks, one at a time, until none is left.
pub async fn run(store: &Store, handler: Handler) {
    run_side_by_side(1, store, handler).await;
}

/// Executes the tasks, as many at a time as there are workers, until none is left.
pub async fn run_side_by_side(workers: u16, store: &Store, handler: Handler) {
    drain(engine(workers, store, handler)).await.unwrap();
}

/// Lets an engine execute all the tasks, but for those of a kind that no test knows.
pub async fn drain(engine: Engine) -> Result<(), Error> {
    let handle = engine.handle();
    let drained = async {
        let waiting = "SELECT id FROM tasks WHERE status = 'waiting'
                       AND task_kind IN ('test', 'email')";
        until(|| rows(waiting).is_empty()).await;
        handle.stop();
    };
    tokio::join!(engine.run(), drained).0
}

/// Lets the others work until this is true.
pub async fn until(mut condition: impl FnMut() -> bool) {
    let started_at = Instant::now();
    while !condition() {
        let given_up = started_at.elapsed().as_secs() >= 60;
        assert!(!given_up, "it doesn't come; logged so far:\n{}", log());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// An engine for these tasks.
pub fn engine(workers: u16, store: &Store, handler: Handler) -> Engine {
    engine_named("test", workers, store, handler)
}

/// An engine of this name for these tasks.
pub fn engine_named(instance: &str, workers: u16, store: &Store, handler: Handler) -> Engine {
    let registry = Registry::default().with_handler("test", handler);
    engine_with(instance, workers, store, registry)
}

/// An engine of this name for tasks of these kinds.
pub fn engine_with(instance: &str, workers: u16, store: &Store, registry: Registry) -> Engine {
    let config = Config {
        instance: instance.to_owned(),
        // A task that fails is not retried: what a test finds is what became of it.
        retry_policy: RetryPolicy {
            max_retries: 0,
            ..RetryPolicy::default()
        },
        workers,
        ..Config::default()
    };
    Engine::new(store.clone(), registry, config)
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
