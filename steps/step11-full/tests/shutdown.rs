//! An engine that stops.

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;

use common::{create_tasks, end, engine, store};
use task_engine::{Error, Handler, TaskStatus};
use tokio::sync::Semaphore;

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

    assert_eq!(handle.running_tasks(), BTreeSet::from([1, 2]));
    handle.stop();
    may_end.add_permits(5);
    running.await.unwrap().unwrap();

    assert_eq!(started.available_permits(), 0, "a third task has started");
    assert_eq!(store.count_tasks(TaskStatus::Waiting).await.unwrap(), 3);
    assert_eq!(store.count_tasks(TaskStatus::Running).await.unwrap(), 0);
    assert_eq!(handle.running_tasks(), BTreeSet::new());
}

#[tokio::test]
async fn an_engine_that_is_stopped_before_it_runs_does_nothing() {
    let store = store();
    create_tasks(&store, 1).await;
    let engine = engine(2, &store, Handler::new(|_| async {}));
    engine.handle().stop();

    engine.run().await.unwrap();

    assert_eq!(store.count_tasks(TaskStatus::Waiting).await.unwrap(), 1);
}

#[tokio::test]
async fn a_worker_that_fails_stops_the_engine() {
    let store = store();
    create_tasks(&store, 2).await;
    let same_store = store.clone();
    // The task disappears under the feet of its worker.
    let handler = Handler::new(move |task| {
        let store = same_store.clone();
        async move { end(&store, task.id).await.unwrap() }
    });
    let engine = engine(1, &store, handler);
    let handle = engine.handle();

    let error = engine.run().await.unwrap_err();

    assert!(matches!(error, Error::NotRunning { id: 1 }));
    assert!(!handle.is_running());
    assert_eq!(store.count_tasks(TaskStatus::Waiting).await.unwrap(), 1);
}
