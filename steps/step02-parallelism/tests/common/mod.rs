//! What the tests share.
#![allow(dead_code, reason = "each test file uses its part of it")]

use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::Once;

use step02_parallelism::{Config, Engine, Error, Handler, Store, Task};

/// A store of its own for each test.
pub fn store() -> Store {
    capture_log();
    Store::default()
}

/// Creates tasks and returns their numbers.
pub async fn create_tasks(store: &Store, count: usize) -> Vec<i64> {
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(store.create_task().await.unwrap());
    }
    ids
}

/// Acquires a task, as a worker does.
pub async fn acquire(store: &Store) -> Option<Task> {
    store.try_acquire_task().await.unwrap()
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
    Engine::new(store.clone(), handler, Config { workers })
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
