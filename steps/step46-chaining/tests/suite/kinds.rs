//! Tasks have a kind and parameters.

use std::fs;

use rusqlite::Connection;
use serde_json::json;
use step46_chaining::{Handler, NewTask, Registry};

use crate::common::{
    acquire, connection, create_tasks, database, drain, engine, engine_with, new_task, rows, store,
};

#[tokio::test]
async fn any_text_passes_unharmed_and_so_does_a_large_one() {
    let store = store();
    for text in [
        "'; DROP TABLE tasks; --",
        "\u{0}\u{1f600}\"\\\n",
        &"é".repeat(1_000_000),
    ] {
        store
            .create(NewTask::new("test", json!({ "text": text })))
            .await
            .unwrap();
        let task = acquire(&store).await.unwrap();
        assert_eq!(task.parameters["text"], text);
    }
}

#[tokio::test]
async fn the_schema_refuses_parameters_that_are_not_an_object() {
    let store = store();
    create_tasks(&store, 1).await;
    for parameters in ["[]", "17", "nonsense", ""] {
        let update = "UPDATE tasks SET task_parameters = ?1";
        let refused = connection().execute(update, [parameters]).unwrap_err();
        assert!(
            refused.to_string().contains("task_parameters_object"),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn an_acquisition_looks_at_the_first_task_of_each_kind() {
    let store = store();
    create_tasks(&store, 2).await;
    let plan = rows(
        "EXPLAIN QUERY PLAN SELECT scheduled_at, id FROM tasks
         WHERE status = 'waiting' AND held = 0 AND task_kind = 'test' AND priority = 'normal'
         ORDER BY scheduled_at, id LIMIT 1",
    );
    assert!(
        plan.ends_with(
            "USING COVERING INDEX waiting_tasks (task_kind=? AND held=? AND priority=?)"
        ),
        "{plan}"
    );
}

/// The first two migrations, and two tasks.
#[tokio::test]
async fn the_tasks_of_an_older_database_are_kept() {
    let older = Connection::open(database()).unwrap();
    for migration in ["01_create_tasks.sql", "02_add_instance.sql"] {
        let sql = fs::read_to_string(format!("migrations/{migration}")).unwrap();
        older.execute_batch(&sql).unwrap();
    }
    let insert = "UPDATE task_engine SET schema_version = 2;
                  INSERT INTO tasks (created_at, updated_at) VALUES (0, 0), (0, 0)";
    older.execute_batch(insert).unwrap();

    let store = store();

    let kept = rows("SELECT id, status, task_kind, task_parameters FROM tasks");
    insta::assert_snapshot!(kept, @r#"
    1 | waiting | waiting | {"waiting_time": 5}
    2 | waiting | waiting | {"waiting_time": 5}
    "#);
    store.create(new_task()).await.unwrap();
}

#[tokio::test]
async fn the_code_of_a_task_is_that_of_its_kind() {
    let store = store();
    store
        .create(NewTask::new("email", json!({ "to": "Ada" })))
        .await
        .unwrap();
    create_tasks(&store, 1).await;
    let says = |word: &'static str| {
        Handler::new(move |context| async move {
            tracing::info!(word, parameters = %context.task.parameters, "executed");
        })
    };

    let registry = Registry::default()
        .with_handler("test", says("a test"))
        .with_handler("email", says("an e-mail"));
    drain(engine_with("test", 1, &store, registry))
        .await
        .unwrap();

    let log = crate::common::log();
    assert!(
        log.contains(r#"word="an e-mail" parameters={"to":"Ada"}"#),
        "{log}"
    );
    assert!(log.contains(r#"word="a test" parameters={}"#), "{log}");
}

#[tokio::test]
async fn a_task_of_an_unknown_kind_is_left_for_another_program() {
    let store = store();
    store
        .create(NewTask::new("letter", json!({})))
        .await
        .unwrap();
    create_tasks(&store, 1).await;
    let insert = "INSERT INTO tasks (task_kind, task_parameters, created_at, updated_at)
                  VALUES (CAST(x'e9' AS TEXT), '{}', 0, 0)";
    connection().execute(insert, []).unwrap();

    drain(engine(1, &store, Handler::new(|_| async {})))
        .await
        .unwrap();

    let left =
        rows("SELECT id, hex(task_kind), status FROM tasks WHERE status IN ('waiting', 'running')");
    insta::assert_snapshot!(left, @r"
    1 | 6C6574746572 | waiting
    3 | E9 | waiting
    ");
}

#[test]
fn an_unknown_kind_is_told_with_the_known_ones() {
    let registry = Registry::default().with_handler("email", Handler::new(|_| async {}));
    let refused = registry.new_task("letter", json!({})).unwrap_err();
    insta::assert_snapshot!(refused, @r#"unknown kind of task "letter"; the known kinds are: email"#);
}
