//! Workers sleep, and a new task wakes one.

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{create_tasks, database, engine_with, store};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use step07_notifications::{
    Config, Engine, EngineHandle, Error, Handler, Registry, Store, Task, TaskHandler, TaskStatus,
};
use tokio::sync::{Barrier, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// An engine that runs, and what its tasks tell when they run.
struct Running {
    handle: EngineHandle,
    joined: JoinHandle<Result<(), Error>>,
    executed: Arc<Semaphore>,
}

impl Running {
    fn start(config: Config, store: &Store) -> Self {
        let executed = Arc::new(Semaphore::new(0));
        let signal = executed.clone();
        let handler = Handler::new(move |_| {
            signal.add_permits(1);
            async {}
        });
        let registry = Registry::default().with_handler("test", handler);
        let engine = Engine::new("test", store.clone(), registry, config);
        Self {
            handle: engine.handle(),
            joined: tokio::spawn(engine.run()),
            executed,
        }
    }

    /// Waits until so many tasks have been executed.
    async fn executed(&self, count: u32) {
        let executed = self.executed.acquire_many(count);
        let executed = timeout(Duration::from_mins(1), executed).await;
        executed.expect("a worker was woken").unwrap().forget();
    }

    async fn stop(self) {
        self.handle.stop();
        let joined = timeout(Duration::from_mins(1), self.joined).await;
        joined.expect("all workers were woken").unwrap().unwrap();
    }
}

/// An engine that doesn't look at what other connections commit.
fn unwatched() -> Config {
    Config {
        watch_interval: Duration::MAX,
        ..Config::default()
    }
}

#[tokio::test]
async fn a_task_created_by_the_same_process_wakes_a_worker() {
    let store = store();
    let running = Running::start(unwatched(), &store);
    for _ in 0..10 {
        create_tasks(&store, 1).await;
        running.executed(1).await;
    }
    running.stop().await;
}

#[tokio::test]
async fn a_task_created_by_another_connection_wakes_a_worker() {
    let store = store();
    let running = Running::start(Config::default(), &store);
    let other = common::store();
    for _ in 0..10 {
        create_tasks(&other, 1).await;
        running.executed(1).await;
    }
    running.stop().await;
}

#[tokio::test]
async fn a_stop_wakes_all_workers() {
    let store = store();
    Running::start(Config::default(), &store).stop().await;
}

/// Nobody hears of four of the five tasks: the workers wake each other.
#[tokio::test(start_paused = true)]
async fn one_wake_up_is_enough_for_many_tasks() {
    let store = store();
    let barrier = Arc::new(Barrier::new(5));
    let executed = Arc::new(Semaphore::new(0));
    let signal = executed.clone();
    let handler = Handler::new(move |_| {
        let (barrier, signal) = (barrier.clone(), signal.clone());
        async move {
            barrier.wait().await;
            signal.add_permits(1);
        }
    });
    let registry = Registry::default().with_handler("test", handler);
    let engine = Engine::new("test", store.clone(), registry, unwatched());
    let handle = engine.handle();
    let joined = tokio::spawn(engine.run());
    // The clock is paused: it moves once all workers are asleep.
    sleep(Duration::from_secs(1)).await;

    let connection = Connection::open(database()).unwrap();
    connection
        .execute_batch(
            "INSERT INTO tasks (task_kind, task_parameters, created_at, updated_at)
             SELECT 'test', '{}', 0, 0 FROM json_each('[1, 2, 3, 4]')",
        )
        .unwrap();
    create_tasks(&store, 1).await;

    let all = timeout(Duration::from_secs(1), executed.acquire_many(5)).await;
    all.expect("five tasks ran at once").unwrap().forget();
    handle.stop();
    joined.await.unwrap().unwrap();
}

#[derive(Serialize, Deserialize)]
struct InvoiceTask {
    order: i64,
}

impl TaskHandler for InvoiceTask {
    const KIND: &'static str = "invoice";

    async fn execute(self, _task: &Task) {}
}

/// An application's own table, an order in it, and the task of its invoice.
async fn order(store: &Store, price: i64) -> Result<i64, Box<dyn std::error::Error + Send + Sync>> {
    store
        .transaction(move |tx, now| {
            tx.execute_batch("CREATE TABLE IF NOT EXISTS orders (price INTEGER) STRICT")?;
            let order = tx
                .prepare("INSERT INTO orders VALUES (?1)")?
                .insert([price])?;
            Store::create_task_in(tx, now, &InvoiceTask { order })?;
            if price < 0 {
                return Err("no order has a negative price".into());
            }
            Ok(order)
        })
        .await
}

#[tokio::test]
async fn a_task_belongs_to_the_transaction_that_creates_it() {
    let store = store();
    let refused = order(&store, -1).await.unwrap_err();
    assert_eq!(refused.to_string(), "no order has a negative price");
    assert_eq!(store.count_tasks(TaskStatus::Waiting).await.unwrap(), 0);

    let registry = Registry::default().with::<InvoiceTask>();
    let engine = engine_with("test", 2, &store, registry);
    let handle = engine.handle();
    let joined = tokio::spawn(engine.run());
    order(&store, 100).await.unwrap();
    while store.count_tasks(TaskStatus::Waiting).await.unwrap() > 0 {
        sleep(Duration::from_millis(1)).await;
    }
    handle.stop();
    joined.await.unwrap().unwrap();
}
