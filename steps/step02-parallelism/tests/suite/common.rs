//! What the tests share.

use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::Once;

use step02_parallelism::{Config, Ending, Engine, Error, Execution, Handler, Store, Task};

/// A store of its own for each test.
pub fn store() -> Store {
    capture_log();
    Store::default()
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
