//! An engine that is started again.

use step45_savepoints::{Error, Handler};

use crate::common::{acquire, create_tasks, drain, engine, engine_named, left, rows, store};

#[tokio::test]
async fn an_engine_without_a_name_does_not_start() {
    let engine = engine_named("", 1, &store(), Handler::new(|_| async {}));

    let error = engine.run().await.unwrap_err();

    insta::assert_snapshot!(error, @"this engine has no name: set TASK_ENGINE_INSTANCE, or give --instance");
}

#[tokio::test]
async fn an_engine_refuses_to_start_while_tasks_run_under_its_name() {
    let store = store();
    create_tasks(&store, 3).await;
    acquire(&store).await.unwrap();
    acquire(&store).await.unwrap();
    let before = rows("SELECT * FROM tasks");

    let engine = engine(1, &store, Handler::new(|_| async {}));
    let error = engine.run().await.unwrap_err();

    assert!(matches!(&error, Error::StillRunning { tasks, .. } if *tasks == [1, 2]));
    insta::assert_snapshot!(error);
    assert_eq!(rows("SELECT * FROM tasks"), before);
}

#[tokio::test]
async fn an_engine_of_another_name_starts_and_leaves_them_alone() {
    let store = store();
    create_tasks(&store, 3).await;
    acquire(&store).await.unwrap();

    let engine = engine_named("other", 1, &store, Handler::new(|_| async {}));
    drain(engine).await.unwrap();

    assert_eq!(left(), "1 | running");
}
