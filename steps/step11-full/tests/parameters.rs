//! A task has a kind, which finds its code, and parameters, which are its fields.

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{at, create_tasks, database, drain, engine, engine_with, new_task, rows, run, store};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use task_engine::{Clock, Handler, Registry, Store, Task, TaskError, TaskHandler, TaskStatus};
use tokio::sync::Semaphore;

#[derive(Serialize, Deserialize)]
struct EmailTask {
    to: Vec<Recipient>,
}

#[derive(Serialize, Deserialize)]
struct Recipient {
    name: String,
    copies: u32,
}

impl TaskHandler for EmailTask {
    const KIND: &'static str = "email";
    type Output = ();

    async fn execute(self, task: &Task) -> Result<(), TaskError> {
        for Recipient { name, copies } in self.to {
            tracing::info!(task = task.id, name, copies, "sent");
        }
        Ok(())
    }
}

fn registry() -> Registry {
    Registry::default().with::<EmailTask>()
}

fn email(name: &str) -> EmailTask {
    let name = name.to_owned();
    EmailTask {
        to: vec![Recipient { name, copies: 2 }],
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_is_its_parameters() {
    let _store = store();
    let store = Store::open_with_clock(database(), Clock::manual(at(0))).unwrap();
    store.create_task(&email("Ada")).await.unwrap();
    insta::assert_snapshot!(rows("tasks"), @r#"
    id | status | created_at | updated_at | instance | task_kind | task_parameters | scheduled_at | context
    1 | waiting | 0 | 0 | NULL | email | {"to":[{"name":"Ada","copies":2}]} | 0 | {}
    "#);

    let engine = engine_with("test", 1, &store, registry());
    drain(engine, &store).await.unwrap();

    insta::assert_snapshot!(common::log());
}

#[tokio::test]
async fn any_text_passes_unharmed_and_so_does_a_large_one() {
    let store = store();
    let large = "é".repeat(500_000);
    let texts = ["", "\0\t\"\\", "æ漢字🦀\u{202e}", &large];
    for text in texts {
        let parameters = serde_json::json!({ "text": text }).to_string();
        let task = new_task("test", &parameters);
        store.create_new_task(task).await.unwrap();
    }
    let seen = Arc::new(Mutex::new(Vec::new()));
    let trace = seen.clone();
    let handler = Handler::new(move |task: Task| {
        let parameters: serde_json::Value = serde_json::from_str(&task.parameters).unwrap();
        let text = parameters["text"].as_str().unwrap().to_owned();
        trace.lock().unwrap().push(text);
        async {}
    });

    run(&store, handler).await;

    assert!(*seen.lock().unwrap() == texts);
}

#[test]
fn a_task_that_could_not_be_executed_is_refused_with_the_reason() {
    let refusal = |kind, parameters| registry().new_task(kind, parameters).unwrap_err();

    insta::assert_snapshot!(refusal("mail", "{}"), @r#"unknown kind of task "mail"; the known kinds are: email"#);
    insta::assert_snapshot!(refusal("email", "{"), @r#"the parameters don't fit a task of kind "email": EOF while parsing an object at line 1 column 1"#);
    insta::assert_snapshot!(refusal("email", "[]"), @r#"the parameters don't fit a task of kind "email": invalid type: sequence, expected a map at line 1 column 0"#);
    insta::assert_snapshot!(refusal("email", "{}"), @r#"the parameters don't fit a task of kind "email": missing field `to` at line 1 column 2"#);
    insta::assert_snapshot!(refusal("email", r#"{"to": [{"name": "Ada", "copies": -1}]}"#), @r#"the parameters don't fit a task of kind "email": to[0].copies: invalid value: integer `-1`, expected u32 at line 1 column 36"#);
    insta::assert_snapshot!(refusal("email", r#"{"to": []} {}"#), @r#"the parameters don't fit a task of kind "email": trailing characters at line 1 column 12"#);
}

#[derive(Serialize, Deserialize)]
struct NumberTask {
    number: f64,
}

impl TaskHandler for NumberTask {
    const KIND: &'static str = "number";
    type Output = ();

    async fn execute(self, _task: &Task) -> Result<(), TaskError> {
        Ok(())
    }
}

#[tokio::test]
async fn parameters_that_json_cannot_hold_are_refused_too() {
    let task = NumberTask { number: f64::NAN };

    let error = store().create_task(&task).await.unwrap_err();

    insta::assert_snapshot!(error, @r#"the parameters don't fit a task of kind "number": number: invalid type: null, expected f64 at line 1 column 14"#);
}

#[tokio::test]
async fn the_schema_refuses_parameters_that_are_not_an_object() {
    let store = store();
    create_tasks(&store, 1).await;
    let connection = Connection::open(database()).unwrap();

    for parameters in ["", "{", "null", "[1]", "\"text\""] {
        let refused = connection.execute("UPDATE tasks SET task_parameters = ?1", [parameters]);
        assert!(refused.is_err(), "{parameters}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_of_an_unknown_kind_is_left_for_another_program() {
    let store = store();
    store.create_task(&email("Ada")).await.unwrap();
    create_tasks(&store, 1).await;
    store.create_task(&email("Grace")).await.unwrap();

    let executed = Arc::new(Semaphore::new(0));
    let signal = executed.clone();
    let handler = Handler::new(move |_| {
        signal.add_permits(1);
        async {}
    });
    let engine = engine(1, &store, handler);
    let handle = engine.handle();
    let running = tokio::spawn(engine.run());
    executed.acquire().await.unwrap().forget();
    handle.stop();
    running.await.unwrap().unwrap();

    insta::assert_snapshot!(common::log());
    let left = store.waiting_kinds().await.unwrap();
    assert_eq!(left, [("email".to_owned(), 2)]);
}

#[tokio::test]
async fn ill_typed_parameters_in_the_database_fail_their_task_and_lose_nothing() {
    let store = store();
    let task = new_task("email", r#"{"to": "Ada"}"#);
    store.create_new_task(task).await.unwrap();

    let engine = engine_with("test", 1, &store, registry());
    let handle = engine.handle();
    let running = tokio::spawn(engine.run());
    while store.count_tasks(TaskStatus::Failed).await.unwrap() == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(handle.is_running());
    handle.stop();
    running.await.unwrap().unwrap();

    let (task, executions) = store.find_task(1).await.unwrap();
    assert_eq!(task.parameters["to"], "Ada");
    let error = executions[0].error.as_ref().unwrap();
    insta::assert_snapshot!(error["message"].as_str().unwrap(), @r#"the parameters don't fit a task of kind "email": to: invalid type: string "Ada", expected a sequence at line 1 column 12"#);
}

#[tokio::test]
async fn the_tasks_of_an_older_database_are_kept() {
    let connection = Connection::open(database()).unwrap();
    connection
        .execute_batch(concat!(
            include_str!("../migrations/01_create_tasks.sql"),
            include_str!("../migrations/02_add_instance.sql"),
            "INSERT INTO tasks (created_at, updated_at) VALUES (0, 0);",
            "PRAGMA user_version = 2",
        ))
        .unwrap();

    let store = store();

    assert_eq!(store.count_tasks(TaskStatus::Waiting).await.unwrap(), 1);
    insta::assert_snapshot!(rows("tasks"), @r#"
    id | status | created_at | updated_at | instance | task_kind | task_parameters | scheduled_at | context
    1 | waiting | 0 | 0 | NULL | waiting | {"waiting_time": 5} | 0 | {}
    "#);
}
