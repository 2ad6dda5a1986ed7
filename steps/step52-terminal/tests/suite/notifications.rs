//! Workers sleep, and a new task wakes one.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use step52_terminal::{Config, Engine, EngineHandle, Error, Handler, NewTask, Registry, Store};
use tokio::sync::{Barrier, Semaphore};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::timeout;

use crate::common::{connection, create_tasks, database, left, new_task, statements, store, until};

/// An engine that runs, and what its tasks tell when they run.
struct Running {
    handle: EngineHandle,
    joined: JoinHandle<Result<(), Error>>,
    executed: Arc<Semaphore>,
}

impl Running {
    fn start(kind: &str, config: Config, store: &Store) -> Self {
        let executed = Arc::new(Semaphore::new(0));
        let signal = executed.clone();
        let handler = Handler::new(move |_| {
            signal.add_permits(1);
            async {}
        });
        Self::start_with(kind, config, store, handler, executed)
    }

    fn start_with(
        kind: &str,
        config: Config,
        store: &Store,
        handler: Handler,
        executed: Arc<Semaphore>,
    ) -> Self {
        let registry = Registry::default().with_handler(kind, handler);
        let engine = Engine::new(store.clone(), registry, config);
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

fn watched() -> Config {
    Config {
        instance: "test".to_owned(),
        ..Config::default()
    }
}

/// An engine that doesn't look at what other connections commit.
fn unwatched() -> Config {
    Config {
        watch_interval: Duration::from_hours(1),
        ..watched()
    }
}

/// Lets the workers fall asleep: what they ask the store for comes before what we ask it for.
pub async fn fall_asleep(store: &Store) {
    for _ in 0..10 {
        yield_now().await;
        store.waiting_kinds().await.unwrap();
        store.transaction(|_| Ok(())).await.unwrap();
    }
}

#[tokio::test]
async fn a_task_created_with_the_same_store_wakes_a_worker() {
    let store = store();
    let running = Running::start("test", unwatched(), &store);
    for _ in 0..10 {
        fall_asleep(&store).await;
        create_tasks(&store, 1).await;
        running.executed(1).await;
    }
    running.stop().await;
}

/// With or without our function: the application has its own SQL.
#[tokio::test]
async fn a_task_inserted_in_a_transaction_wakes_a_worker() {
    let store = store();
    let running = Running::start("test", unwatched(), &store);
    fall_asleep(&store).await;
    let insert = "INSERT INTO tasks (task_kind, task_parameters, created_at, updated_at)
                  VALUES ('test', '{}', 0, 0)";
    store
        .transaction(|tx| Ok(tx.execute_batch(insert)?))
        .await
        .unwrap();
    running.executed(1).await;
    running.stop().await;
}

#[tokio::test]
async fn a_task_created_by_another_connection_wakes_a_worker() {
    let store = store();
    let running = Running::start("test", watched(), &store);
    let other = crate::common::store();
    for _ in 0..10 {
        fall_asleep(&store).await;
        create_tasks(&other, 1).await;
        running.executed(1).await;
    }
    running.stop().await;
}

#[tokio::test]
async fn what_is_rolled_back_wakes_nobody() {
    let store = store();
    let running = Running::start("test", unwatched(), &store);
    fall_asleep(&store).await;
    let asked = statements(&store, async {
        let rolled_back: Result<(), Error> = store
            .transaction(|tx| {
                tx.create(new_task())?;
                tx.execute("nonsense", [])?;
                Ok(())
            })
            .await;
        assert!(rolled_back.is_err());
        fall_asleep(&store).await;
    })
    .await;
    assert!(
        !asked
            .iter()
            .any(|sql| sql.starts_with("SELECT scheduled_at")),
        "{asked:?}"
    );
    running.stop().await;
}

#[tokio::test]
async fn each_engine_of_a_store_has_its_own_wake_ups() {
    let store = store();
    let one = Running::start("one", unwatched(), &store);
    let other = Config {
        instance: "other".to_owned(),
        ..unwatched()
    };
    let other = Running::start("other", other, &store);
    for _ in 0..10 {
        fall_asleep(&store).await;
        for kind in ["other", "one"] {
            let task = NewTask::new(kind, serde_json::json!({}));
            store.create(task).await.unwrap();
        }
        one.executed(1).await;
        other.executed(1).await;
    }
    one.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn a_stop_wakes_all_workers() {
    let store = store();
    let running = Running::start("test", unwatched(), &store);
    fall_asleep(&store).await;
    running.stop().await;
}

/// Nobody hears of four of the five tasks: the workers wake each other.
#[tokio::test]
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
    let running = Running::start_with("test", unwatched(), &store, handler, executed);
    fall_asleep(&store).await;

    let insert = "INSERT INTO tasks (task_kind, task_parameters, created_at, updated_at)
                  SELECT 'test', '{}', 0, 0 FROM json_each('[1, 2, 3, 4]')";
    connection().execute_batch(insert).unwrap();
    create_tasks(&store, 1).await;

    running.executed(5).await;
    running.stop().await;
}

/// For it, for the next one, and once it has ended.
#[tokio::test]
async fn a_task_costs_three_looks_whatever_the_number_of_workers() {
    let store = store();
    let config = Config {
        workers: 20,
        ..watched()
    };
    let running = Running::start("test", config, &store);
    fall_asleep(&store).await;

    let asked = statements(&store, async {
        create_tasks(&crate::common::store(), 1).await;
        running.executed(1).await;
        until(|| left().is_empty()).await;
        fall_asleep(&store).await;
    })
    .await;

    let looks = asked
        .iter()
        .filter(|sql| sql.starts_with("SELECT task_kind FROM limited_kinds"));
    assert_eq!(looks.count(), 3, "{asked:#?}");
    running.stop().await;
}

#[tokio::test]
async fn a_database_that_is_removed_or_replaced_ends_the_engine() {
    let store = store();
    let running = Running::start("test", watched(), &store);
    fs::remove_file(database()).unwrap();

    let ended = timeout(Duration::from_mins(1), running.joined).await;

    let error = ended.expect("the engine ends").unwrap().unwrap_err();
    assert!(matches!(error, Error::Replaced { .. }), "{error}");
}
