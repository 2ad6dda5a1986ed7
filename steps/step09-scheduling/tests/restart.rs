//! An engine has a name, and doesn't start twice under it.

mod common;

use common::{acquire, create_tasks, drain, engine, engine_named, rows, run, store};
use step09_scheduling::{Error, Handler, TaskStatus};

fn nothing() -> Handler {
    Handler::new(|_| async {})
}

#[tokio::test]
async fn an_engine_refuses_to_start_while_tasks_run_under_its_name() {
    let store = store();
    create_tasks(&store, 3).await;
    acquire(&store).await;
    acquire(&store).await;
    let before = rows("tasks");

    let error = engine(5, &store, nothing()).run().await.unwrap_err();

    assert!(matches!(&error, Error::StillRunning { tasks, .. } if tasks == &[1, 2]));
    insta::assert_snapshot!(error, @r#"tasks [1, 2] are still marked as running under the name "test": another engine is using this name, or one was killed. If none is using it, put these tasks back to waiting in the database; or else choose another name"#);
    assert_eq!(rows("tasks"), before);
}

#[tokio::test]
async fn an_engine_of_another_name_starts_and_leaves_these_tasks_alone() {
    let store = store();
    create_tasks(&store, 3).await;
    acquire(&store).await;

    let other = engine_named("other", 5, &store, nothing());
    drain(other, &store).await.unwrap();

    assert_eq!(store.count_tasks(TaskStatus::Waiting).await.unwrap(), 0);
    assert_eq!(store.running_tasks("test").await.unwrap(), [1]);
    assert!(store.running_tasks("other").await.unwrap().is_empty());
}

#[tokio::test]
async fn an_engine_that_ended_properly_starts_again_under_its_name() {
    let store = store();
    for _ in 0..2 {
        create_tasks(&store, 1).await;
        run(&store, nothing()).await;
    }
}

#[tokio::test]
async fn an_engine_must_have_a_name() {
    let nameless = engine_named("", 5, &store(), nothing());

    let error = nameless.run().await.unwrap_err();

    insta::assert_snapshot!(error, @"this engine has no name: give it one with TASK_ENGINE_INSTANCE or --instance");
}
