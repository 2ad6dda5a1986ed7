//! One worker, four phases.

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{acquire, create_tasks, end, log, run, store};
use task_engine::{Error, Handler, TaskStatus};

#[tokio::test(start_paused = true)]
async fn each_task_goes_through_the_four_phases_in_order() {
    let store = store();
    create_tasks(&store, 2).await;
    let handler = Handler::new(|task| async move {
        tracing::info!(task = task.id, "task is waiting");
        tokio::time::sleep(Duration::from_secs(5)).await;
    });

    run(&store, handler).await;

    insta::assert_snapshot!(log());
}

#[tokio::test]
async fn the_oldest_task_goes_first() {
    let store = store();
    let created = create_tasks(&store, 3).await;
    let executed = Arc::new(Mutex::new(Vec::new()));
    let trace = executed.clone();
    let handler = Handler::new(move |task| {
        trace.lock().unwrap().push(task.id);
        async {}
    });

    run(&store, handler).await;

    assert_eq!(*executed.lock().unwrap(), created);
}

#[tokio::test]
async fn a_task_waits_then_runs_then_is_gone() {
    let store = store();
    create_tasks(&store, 1).await;
    assert_eq!(store.count_tasks(TaskStatus::Waiting).await.unwrap(), 1);

    let task = acquire(&store).await.unwrap();
    assert_eq!(store.count_tasks(TaskStatus::Waiting).await.unwrap(), 0);
    assert_eq!(store.count_tasks(TaskStatus::Running).await.unwrap(), 1);
    assert_eq!(acquire(&store).await, None);

    end(&store, task.id).await.unwrap();
    assert_eq!(store.count_tasks(TaskStatus::Running).await.unwrap(), 0);
}

#[tokio::test]
async fn only_a_running_task_can_be_ended() {
    let store = store();
    let id = create_tasks(&store, 1).await[0];

    let error = end(&store, id).await.unwrap_err();

    assert!(matches!(error, Error::NotRunning { id: refused } if refused == id));
    insta::assert_snapshot!(error, @"task 1 is not running, so it can't be ended");
    assert_eq!(store.count_tasks(TaskStatus::Waiting).await.unwrap(), 1);
}
