//! What the tests share.
#![allow(dead_code, reason = "each test file uses its part of it")]

use std::cell::RefCell;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Once;

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use step05_restart::{Config, Engine, Error, Handler, Store, Task};
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

/// Creates tasks and returns their numbers.
pub async fn create_tasks(store: &Store, count: usize) -> Vec<i64> {
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(store.create_task().await.unwrap());
    }
    ids
}

/// Creates a task in a transaction, as another program does.
pub fn insert_task(tx: &Connection, now: i64) {
    let insert = "INSERT INTO tasks (created_at, updated_at) VALUES (?1, ?1)";
    tx.execute(insert, [now]).unwrap();
}

/// Acquires a task, as a worker does.
pub async fn acquire(store: &Store) -> Option<Task> {
    store.try_acquire_task("test").await.unwrap()
}

/// Ends a task, as a worker does.
pub async fn end(store: &Store, id: i64) -> Result<(), Error> {
    store.end_task(id).await
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
pub async fn drain(engine: Engine, _store: &Store) -> Result<(), Error> {
    engine.run().await
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
    Engine::new(name, store.clone(), handler, Config { workers })
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
