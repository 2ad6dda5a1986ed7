//! A task and those that it creates are followed together.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use step49_durability::{Context, Handler, NewTask, RetryPolicy, Store};
use tokio::sync::Mutex;

use crate::common::{connection, engine, log, new_task, rows, store};
use crate::inspection::program;

const CONTEXTS: &str = "SELECT id, context FROM tasks";

/// Executes the tasks, and those that they create.
async fn drain_all(store: &Store, handler: Handler) {
    let engine = engine(1, store, handler).start().await.unwrap();
    engine.drain().await.unwrap();
}

/// Executes tasks, each of which creates one, until there are three generations.
async fn three_generations(store: &Store) {
    let handler = Handler::fallible(|context: Context| async move {
        tracing::info!("a line of the task");
        if context.task.id < 3 {
            context.create(new_task()).await?;
        }
        Ok(())
    });
    drain_all(store, handler).await;
}

#[tokio::test]
async fn children_inherit_the_id_and_know_their_parent() {
    let store = store();
    let order = new_task().correlation("order-42");
    store.create(order).await.unwrap();

    three_generations(&store).await;

    insta::assert_snapshot!(rows(CONTEXTS), @r#"
    1 | {"correlation":"order-42"}
    2 | {"correlation":"order-42","parent":1}
    3 | {"correlation":"order-42","parent":2}
    "#);
    let (task, _) = store.reader().find_task(3).await.unwrap();
    assert_eq!(
        (task.correlation.as_str(), task.parent),
        ("order-42", Some(2))
    );
    assert!(program(&["show", "3"]).contains("belongs to  order-42\n  parent      2"));
}

#[tokio::test]
async fn without_an_id_the_number_of_the_first_one_is_it() {
    let store = store();
    store.create(new_task()).await.unwrap();

    three_generations(&store).await;

    insta::assert_snapshot!(rows(CONTEXTS), @r#"
    1 | {}
    2 | {"correlation":"1","parent":1}
    3 | {"correlation":"1","parent":2}
    "#);
    let (task, _) = store.reader().find_task(1).await.unwrap();
    assert_eq!((task.correlation.as_str(), task.parent), ("1", None));
}

#[tokio::test]
async fn all_that_an_execution_logs_bears_the_id() {
    let store = store();
    let order = new_task().correlation("order-42");
    store.create(order).await.unwrap();
    store
        .create(new_task().correlation("order-43"))
        .await
        .unwrap();

    let handler = Handler::new(|_| async { tracing::info!("a line of the task") });
    drain_all(&store, handler).await;

    let log = log();
    let lines = log.lines().filter(|line| line.contains("order-42"));
    let lines: Vec<_> = lines
        .map(|line| line.split(" elapsed_ms").next().unwrap())
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    INFO execution{task=1 kind="test" correlation="order-42"}: task started worker=0 task=1
    INFO execution{task=1 kind="test" correlation="order-42"}: a line of the task
    INFO execution{task=1 kind="test" correlation="order-42"}: task finished worker=0 task=1
    "#);
}

#[tokio::test]
async fn a_child_may_belong_to_something_else() {
    let store = store();
    store
        .create(new_task().correlation("order-42"))
        .await
        .unwrap();
    let handler = Handler::fallible(|context: Context| async move {
        if context.task.id == 1 {
            context.create(new_task().correlation("parcel-7")).await?;
        }
        Ok(())
    });

    drain_all(&store, handler).await;

    insta::assert_snapshot!(rows(CONTEXTS), @r#"
    1 | {"correlation":"order-42"}
    2 | {"correlation":"parcel-7","parent":1}
    "#);
}

#[tokio::test]
async fn a_child_can_be_created_with_other_changes_or_not_at_all() {
    let store = store();
    store
        .create(new_task().correlation("order-42"))
        .await
        .unwrap();
    let with_store = store.clone();
    let handler = Handler::fallible(move |context: Context| {
        let store = with_store.clone();
        async move {
            let child = new_task().child_of(&context.task);
            let refused = store.transaction(move |tx| {
                tx.create(child)?;
                Ok(tx.execute_batch("INSERT INTO nowhere VALUES (1)")?)
            });
            Ok(refused.await?)
        }
    });
    drain_all(&store, handler).await;
    assert_eq!(rows("SELECT count(*) FROM tasks"), "1");
}

#[tokio::test]
async fn a_retried_task_keeps_what_it_belongs_to() {
    let store = store();
    store
        .create(new_task().correlation("order-42"))
        .await
        .unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = seen.clone();
    let handler = Handler::fallible(move |context: Context| {
        let note = note.clone();
        async move {
            note.lock()
                .await
                .push((context.task.retries, context.task.correlation));
            Err::<(), _>("down".into())
        }
    });
    let policy = RetryPolicy {
        max_retries: 1,
        first_delay: Duration::ZERO,
        ..RetryPolicy::default()
    };
    drain_all(&store, handler.retried(policy)).await;

    let order = "order-42".to_owned();
    assert_eq!(*seen.lock().await, [(0, order.clone()), (1, order)]);
}

/// Any program may have written any object there.
#[tokio::test]
async fn odd_contexts_harm_nobody() {
    let store = store();
    let odd = [
        r#"{"correlation": 42, "parent": "the first one"}"#,
        r#"{"correlation": {"order": 42}, "parent": 1.5}"#,
        r#"{"correlation": "\u0000\u001b[31m", "parent": -1}"#,
        r#"{"correlation": null, "parent": [1]}"#,
    ];
    for context in odd {
        let insert =
            "INSERT INTO tasks (task_kind, task_parameters, context, created_at, updated_at)
                      VALUES ('test', '{}', ?1, 0, 0)";
        connection().execute(insert, [context]).unwrap();
    }
    drain_all(&store, Handler::new(|_| async {})).await;

    assert_eq!(
        rows("SELECT count(*) FROM tasks WHERE status = 'stopped'"),
        "4"
    );
    assert!(!log().contains('\u{1b}'));
    let mut read = Vec::new();
    for id in 1..=4 {
        let (task, _) = store.reader().find_task(id).await.unwrap();
        read.push(format!("{:?} {:?}", task.correlation, task.parent));
    }
    insta::assert_snapshot!(read.join("\n"), @r#"
    "42" None
    "{\"order\":42}" None
    "\0\u{1b}[31m" Some(-1)
    "4" None
    "#);
}

#[tokio::test]
async fn a_test_can_give_a_store() {
    let store = store();
    let context = Context::for_test().with_store(store.clone());
    let task = NewTask::new("test", json!({}));
    assert_eq!(context.create(task).await.unwrap(), 1);
}
