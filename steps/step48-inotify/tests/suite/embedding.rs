//! An engine inside one's own program.

use std::sync::Arc;
use std::time::Duration;

use step48_inotify::{Clock, Config, Engine, Error, Handler, Registry, Store};
use tokio::sync::Semaphore;

use crate::common::{connection, create_tasks, database, engine, left, new_task, rows, store};

#[tokio::test]
async fn draining_executes_all_that_is_due_and_what_it_creates() {
    let clock = Clock::manual("2030-01-01T00:00:00Z".parse().unwrap());
    let _log = store();
    let store = Store::open_with_clock(database(), clock.clone()).unwrap();
    create_tasks(&store, 1).await;
    let later = store.now() + Duration::from_secs(1);
    store.create(new_task().at(later)).await.unwrap();
    let creator = store.clone();
    let handler = Handler::fallible(move |context| {
        let store = creator.clone();
        async move {
            if context.task.id < 5 {
                store.create(new_task()).await?;
            }
            Ok(())
        }
    });

    let running = engine(2, &store, handler).start().await.unwrap();
    running.drain().await.unwrap();

    assert_eq!(left(), "2 | waiting");
    assert_eq!(rows("SELECT count(*) FROM tasks"), "5");
}

#[tokio::test]
async fn draining_ends_when_the_engine_does_for_whatever_reason() {
    let store = store();
    create_tasks(&store, 1).await;
    let handler = Handler::new(|_| async {
        connection().execute_batch("DROP TABLE tasks").unwrap();
    });
    let running = engine(1, &store, handler).start().await.unwrap();
    assert!(matches!(running.drain().await, Err(Error::Sqlite(_))));

    let stopped = engine(1, &crate::common::store(), Handler::new(|_| async {}));
    stopped.handle().stop();
    let _ = stopped.start().await;
}

/// A row that nobody can end would be waited for until the end of time.
#[tokio::test]
async fn draining_does_not_wait_for_a_row_that_stays_running() {
    let store = store();
    create_tasks(&store, 2).await;
    let refuse = "CREATE TRIGGER refuse BEFORE UPDATE ON tasks
                  WHEN old.id = 1 AND old.status = 'running'
                  BEGIN SELECT raise(ABORT, 'an order needs it'); END;";
    connection().execute_batch(refuse).unwrap();

    let running = engine(1, &store, Handler::new(|_| async {}))
        .start()
        .await
        .unwrap();
    running.drain().await.unwrap();

    assert_eq!(left(), "1 | running");
}

#[tokio::test]
async fn without_a_worker_draining_ends_at_once() {
    let store = store();
    create_tasks(&store, 1).await;
    let running = engine(0, &store, Handler::new(|_| async {}))
        .start()
        .await
        .unwrap();
    running.drain().await.unwrap();
    assert_eq!(left(), "1 | waiting");
}

#[tokio::test]
async fn a_shutdown_waits_for_the_running_tasks() {
    let store = store();
    create_tasks(&store, 3).await;
    let (started, may_end) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (signal, gate) = (started.clone(), may_end.clone());
    let handler = Handler::new(move |_| {
        let (signal, gate) = (signal.clone(), gate.clone());
        async move {
            signal.add_permits(1);
            gate.acquire().await.unwrap().forget();
        }
    });
    let running = engine(2, &store, handler).start().await.unwrap();
    started.acquire_many(2).await.unwrap().forget();
    let handle = running.handle();
    let shutdown = tokio::spawn(running.shutdown());
    handle.stopping().await;
    may_end.add_permits(3);
    shutdown.await.unwrap().unwrap();
    assert_eq!(left(), "3 | waiting");
}

#[tokio::test]
async fn an_engine_that_can_not_start_says_so_at_once() {
    let engine = Engine::new(store(), Registry::default(), Config::default());
    assert!(matches!(engine.start().await, Err(Error::NoInstance)));
}

#[derive(Debug, thiserror::Error)]
enum OrderError {
    #[error("no order has a negative price")]
    Price,
    #[error(transparent)]
    Engine(#[from] Error),
}

/// An application's own table, an order in it, and the task that follows.
async fn order(store: &Store, price: i64) -> Result<i64, OrderError> {
    store
        .try_transaction(move |tx| {
            tx.execute_batch("CREATE TABLE IF NOT EXISTS orders (price INTEGER) STRICT")
                .map_err(Error::from)?;
            let id = tx.create(new_task())?;
            if price < 0 {
                return Err(OrderError::Price);
            }
            Ok(id)
        })
        .await
}

#[tokio::test]
async fn a_task_belongs_to_the_transaction_that_creates_it() {
    let store = store();
    let refused = order(&store, -1).await.unwrap_err();
    assert_eq!(refused.to_string(), "no order has a negative price");
    assert_eq!(rows("SELECT count(*) FROM tasks"), "0");
    order(&store, 100).await.unwrap();
    assert_eq!(left(), "1 | waiting");
}
