//! What the tests share.

use std::cell::RefCell;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Once;

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use step03_persistence::{Config, Ending, Engine, Error, Execution, Handler, Store, Task};
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
        ids.push(store.create().await.unwrap());
    }
    ids
}

/// Acquires a task, as a worker does.
pub async fn acquire(store: &Store) -> Option<Task> {
    store.try_acquire_task().await.unwrap()
}

/// Ends a task, as a worker does.
pub async fn end(store: &Store, task: Task) -> Ending {
    store.end(&Execution::of(task)).await.unwrap()
}

/// Executes the tasks, one at a time, until none is left.
pub async fn run(store: &Store, handler: Handler) {
    run_side_by_side(1, store, handler).await;
}

/// Executes the tasks, as many at a time as there are workers, until none is left.
pub async fn run_side_by_side(workers: u16, store: &Store, handler: Handler) {
    drain(engine(workers, store, handler)).await.unwrap();
}

/// Lets an engine execute all the tasks.
pub async fn drain(engine: Engine) -> Result<(), Error> {
    engine.run().await
}

/// An engine for these tasks.
pub fn engine(workers: u16, store: &Store, handler: Handler) -> Engine {
    let config = Config {
        workers,
        ..Config::default()
    };
    Engine::new(store.clone(), handler, config)
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
