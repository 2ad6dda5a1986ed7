//! What became of each execution is kept.

use std::fs;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::{Value, json};
use step49_durability::{Clock, Ending, Execution, Handler, Next, Store};

use crate::common::{
    acquire, connection, create_tasks, database, drain, end, engine, left, log, rows, statements,
    store, until,
};

const EXECUTIONS: &str = "SELECT id, task_id, started_at, stopped_at, result FROM task_executions";

#[tokio::test]
async fn an_execution_tells_when_it_ran_and_what_it_returned() {
    let _log = store();
    let clock = Clock::manual("2020-09-13T12:26:40Z".parse().unwrap());
    let store = Store::open_with_clock(database(), clock.clone()).unwrap();
    create_tasks(&store, 2).await;
    let task = acquire(&store).await.unwrap();
    clock.advance(Duration::from_millis(1500));
    let execution = Execution::of(task);

    let ending = store
        .end(&execution, Ok(json!({ "lines": 3 })), Next::Stopped)
        .await
        .unwrap();
    acquire(&store).await.unwrap();

    assert_eq!(ending, Ending::Ended);
    insta::assert_snapshot!(rows("SELECT id, status, updated_at FROM tasks"), @r"
    1 | stopped | 1600000001500
    2 | running | 1600000001500
    ");
    insta::assert_snapshot!(rows(EXECUTIONS), @r#"
    1 | 1 | 1600000000000 | 1600000001500 | {"lines":3}
    2 | 2 | 1600000001500 | NULL | NULL
    "#);
}

#[tokio::test]
async fn what_a_task_returns_is_its_result() {
    let store = store();
    create_tasks(&store, 1).await;

    let handler = Handler::new(|_| async { json!({ "size": 42 }) });
    drain(engine(1, &store, handler)).await.unwrap();

    assert_eq!(rows("SELECT result FROM task_executions"), r#"{"size":42}"#);
}

/// Arrays one in the other, more than SQLite accepts.
fn too_deep() -> Value {
    (0..1001).fold(json!(null), |inside, _| Value::Array(vec![inside]))
}

#[tokio::test]
async fn a_result_that_sqlite_refuses_is_told_and_the_engine_goes_on() {
    let store = store();
    create_tasks(&store, 2).await;

    let handler = Handler::new(|context| async move {
        match context.task.id {
            1 => too_deep(),
            _ => json!("fine"),
        }
    });
    drain(engine(1, &store, handler)).await.unwrap();

    assert_eq!(rows("SELECT result FROM task_executions"), "NULL\n\"fine\"");
    let told = r#" error="the result can't be kept: the database failed: CHECK constraint failed: execution_result_json"#;
    assert!(log().contains(told), "{}", log());
    assert!(
        !log().contains("task finished worker=0 task=1 "),
        "{}",
        log()
    );
}

#[tokio::test]
async fn an_outcome_that_comes_too_late_changes_nothing() {
    let store = store();
    create_tasks(&store, 1).await;
    let late = acquire(&store).await.unwrap();
    connection()
        .execute("UPDATE tasks SET status = 'waiting'", [])
        .unwrap();
    assert_eq!(end(&store, late.clone()).await, Ending::Lost);
    let again = acquire(&store).await.unwrap();
    assert_ne!(again.execution, late.execution);

    assert_eq!(end(&store, late).await, Ending::Lost);

    let open = "SELECT id, stopped_at FROM task_executions";
    assert_eq!(rows(open), "1 | NULL\n2 | NULL");
    assert_eq!(left(), "1 | running");
    assert_eq!(end(&store, again).await, Ending::Ended);
}

#[tokio::test]
async fn an_engine_whose_task_is_deleted_goes_on() {
    let store = store();
    create_tasks(&store, 2).await;
    let handler = Handler::new(|context| async move {
        let delete = "DELETE FROM tasks WHERE id = 1";
        if context.task.id == 1 {
            connection().execute(delete, []).unwrap();
        }
    });

    drain(engine(1, &store, handler)).await.unwrap();

    assert_eq!(rows("SELECT id, status FROM tasks"), "2 | stopped");
    assert!(
        log().contains("task lost: it isn't ours any more"),
        "{}",
        log()
    );
}

#[tokio::test]
async fn an_engine_whose_task_cannot_be_started_goes_on() {
    let store = store();
    create_tasks(&store, 2).await;
    let refuse = "CREATE TRIGGER refuse BEFORE UPDATE ON tasks
                  WHEN old.id = 1 AND new.status = 'running'
                  BEGIN SELECT raise(ABORT, 'not today'); END;";
    connection().execute_batch(refuse).unwrap();
    let running = engine(1, &store, Handler::new(|_| async {}));
    let handle = running.handle();
    let running = tokio::spawn(running.run());
    until(|| log().contains("task can't be started")).await;

    connection().execute_batch("DROP TRIGGER refuse").unwrap();
    create_tasks(&store, 1).await;
    until(|| left().is_empty()).await;

    handle.stop();
    running.await.unwrap().unwrap();
}

/// How SQLite searches the tables for these statements.
pub fn plans(statements: &[String]) -> String {
    let searches = statements.iter().filter(|sql| sql.contains("WHERE"));
    let plans = searches.map(|sql| {
        let connection = connection();
        let mut explain = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap();
        let steps = explain.raw_query().mapped(|row| row.get("detail"));
        let steps: Vec<String> = steps.map(Result::unwrap).collect();
        format!("{sql}\n    {}\n", steps.join("\n    "))
    });
    plans.collect()
}

#[tokio::test]
async fn no_query_looks_at_executed_tasks() {
    let store = store();
    create_tasks(&store, 1).await;
    let asked = statements(&store, async {
        let task = acquire(&store).await.unwrap();
        assert_eq!(end(&store, task).await, Ending::Ended);
        store.running_tasks("test").await.unwrap();
        store.waiting_kinds().await.unwrap();
    })
    .await;

    let plans = plans(&asked);
    insta::assert_snapshot!(plans);
}

/// Whatever the application has made in the database of an older engine is still there.
#[tokio::test]
async fn an_upgrade_touches_nothing_that_is_not_ours() {
    let older = Connection::open(database()).unwrap();
    for migration in ["01_create_tasks", "02_add_instance", "03_add_parameters"] {
        let sql = fs::read_to_string(format!("migrations/{migration}.sql")).unwrap();
        older.execute_batch(&sql).unwrap();
    }
    let theirs = "
        UPDATE task_engine SET schema_version = 3;
        INSERT INTO tasks (status, task_kind, task_parameters, created_at, updated_at)
            VALUES ('waiting', 'test', '{}', 0, 0), ('running', 'test', '{}', 0, 5);
        CREATE TABLE orders (id INTEGER PRIMARY KEY, task REFERENCES tasks ON DELETE CASCADE,
            again REFERENCES tasks ON DELETE SET NULL, plain REFERENCES tasks);
        INSERT INTO orders VALUES (1, 1, 1, 1), (2, 2, 2, 2);
        ALTER TABLE tasks ADD COLUMN note TEXT DEFAULT 'theirs';
        CREATE INDEX notes ON tasks (note);
        CREATE VIEW waiting_notes AS SELECT note FROM tasks WHERE status = 'waiting';
        CREATE TABLE seen (id INTEGER);
        CREATE TRIGGER see AFTER INSERT ON tasks BEGIN INSERT INTO seen VALUES (new.id); END;
        PRAGMA user_version = 17";
    older.execute_batch(theirs).unwrap();

    create_tasks(&store(), 1).await;

    assert_eq!(rows("SELECT * FROM orders"), "1 | 1 | 1 | 1\n2 | 2 | 2 | 2");
    assert_eq!(rows("SELECT note FROM waiting_notes"), "theirs\ntheirs");
    assert_eq!(rows("SELECT id FROM seen"), "3");
    assert_eq!(
        rows("SELECT name FROM sqlite_schema WHERE name = 'notes'"),
        "notes"
    );
    assert_eq!(rows("PRAGMA user_version"), "17");
    assert_eq!(rows("PRAGMA foreign_key_check"), "");
    assert_eq!(rows("PRAGMA integrity_check"), "ok");
    assert_eq!(rows(EXECUTIONS), "1 | 2 | 5 | NULL | NULL");
}
