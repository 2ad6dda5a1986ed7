//! An engine that stops.

use std::sync::Arc;

use step52_terminal::{Error, Handler};
use tokio::sync::Semaphore;

use crate::common::{connection, create_tasks, database, engine, left, store};

#[tokio::test]
async fn running_tasks_end_and_no_other_starts() {
    let store = store();
    create_tasks(&store, 5).await;
    let (started, may_end) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (signal, gate) = (started.clone(), may_end.clone());
    let handler = Handler::new(move |_| {
        let (signal, gate) = (signal.clone(), gate.clone());
        async move {
            signal.add_permits(1);
            gate.acquire().await.unwrap().forget();
        }
    });
    let engine = engine(2, &store, handler);
    let handle = engine.handle();
    let running = tokio::spawn(engine.run());
    started.acquire_many(2).await.unwrap().forget();

    handle.stop();
    may_end.add_permits(5);
    running.await.unwrap().unwrap();

    assert_eq!(started.available_permits(), 0, "a third task has started");
    insta::assert_snapshot!(left(), @r"
    3 | waiting
    4 | waiting
    5 | waiting
    ");
}

#[tokio::test]
async fn an_engine_that_is_stopped_before_it_runs_does_nothing() {
    let store = store();
    create_tasks(&store, 1).await;
    let engine = engine(2, &store, Handler::new(|_| async {}));
    engine.handle().stop();

    engine.run().await.unwrap();

    assert_eq!(left(), "1 | waiting");
}

#[tokio::test]
async fn a_database_that_cannot_be_used_any_more_stops_the_engine() {
    let store = store();
    create_tasks(&store, 1).await;
    let handler = Handler::new(|_| async {
        connection().execute_batch("DROP TABLE tasks").unwrap();
    });
    let engine = engine(2, &store, handler);
    let handle = engine.handle();

    let error = engine.run().await.unwrap_err();

    assert!(matches!(error, Error::Sqlite(_)), "{error:?}");
    assert!(!handle.is_running());
}

#[tokio::test]
async fn the_last_clone_closes_the_database() {
    let store = store();
    create_tasks(&store, 1).await;
    let log = database().with_extension("db-wal");
    let clone = store.clone();
    drop(store);
    assert!(log.exists(), "closed under a clone");
    drop(clone);
    assert!(!log.exists(), "the tasks are still in the log");
}
