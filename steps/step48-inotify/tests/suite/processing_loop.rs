//! One worker, four phases.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use step48_inotify::{Ending, Handler};

use crate::common::{acquire, create_tasks, end, log, run, store};

#[tokio::test(start_paused = true)]
async fn each_task_goes_through_the_four_phases_in_order() {
    let store = store();
    create_tasks(&store, 2).await;
    let handler = Handler::new(|context| async move {
        tracing::info!(task = context.task.id, "task is waiting");
        tokio::time::sleep(Duration::from_secs(5)).await;
    });

    run(&store, handler).await;

    let log = log();
    insta::assert_snapshot!(log);
}

#[tokio::test]
async fn the_oldest_task_goes_first() {
    let store = store();
    let created = create_tasks(&store, 3).await;
    let executed = Arc::new(Mutex::new(Vec::new()));
    let trace = executed.clone();
    let handler = Handler::new(move |context| {
        trace.lock().unwrap().push(context.task.id);
        async {}
    });

    run(&store, handler).await;

    assert_eq!(*executed.lock().unwrap(), created);
}

#[tokio::test]
async fn a_task_is_acquired_once_and_ended_once() {
    let store = store();
    let created = create_tasks(&store, 1).await;

    let task = acquire(&store).await.unwrap();
    assert_eq!(task.id, created[0]);
    assert_eq!(acquire(&store).await, None);

    assert_eq!(end(&store, task.clone()).await, Ending::Ended);
    assert_eq!(end(&store, task).await, Ending::Lost);
    assert_eq!(acquire(&store).await, None);
}
