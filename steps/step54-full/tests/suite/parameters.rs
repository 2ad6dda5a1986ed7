//! Tasks have a kind and parameters.

use serde::{Deserialize, Serialize, Serializer};
use serde_json::json;
use task_engine::{Context, Handler, NewTask, Registry, Store, TaskError, TaskHandler};

use crate::common::{connection, drain, engine_with, left, log, rows, store};

/// Says what it is about.
#[derive(Serialize, Deserialize)]
struct EmailTask {
    to: String,
    copies: u8,
}

impl TaskHandler for EmailTask {
    const KIND: &'static str = "email";
    type Output = ();

    async fn execute(self, _context: &Context) -> Result<(), TaskError> {
        tracing::info!(to = self.to, copies = self.copies, "e-mail");
        Ok(())
    }
}

fn registry() -> Registry {
    Registry::default().with::<EmailTask>()
}

fn email(to: &str) -> EmailTask {
    EmailTask {
        to: to.to_owned(),
        copies: 2,
    }
}

async fn run(store: &Store) {
    drain(engine_with("test", 1, store, registry()))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_task_is_its_parameters() {
    let store = store();
    store.create(&email("Ada")).await.unwrap();

    let row = rows("SELECT task_kind, task_parameters FROM tasks");
    insta::assert_snapshot!(row, @r#"email | {"copies":2,"to":"Ada"}"#);
    run(&store).await;
    assert!(log().contains(r#"e-mail to="Ada" copies=2"#), "{}", log());
}

#[test]
fn a_task_that_could_not_be_executed_is_refused_with_the_reason() {
    let refused = |kind, parameters| registry().new_task(kind, parameters).unwrap_err();

    insta::assert_snapshot!(refused("letter", json!({})), @r#"unknown kind of task "letter"; the known kinds are: email"#);
    insta::assert_snapshot!(refused("email", json!({ "to": "Ada", "copies": "two" })), @r#"the parameters don't fit a task of kind "email": copies: invalid type: string "two", expected u8"#);
    insta::assert_snapshot!(refused("email", json!({ "to": "Ada" })), @r#"the parameters don't fit a task of kind "email": missing field `copies`"#);
    insta::assert_snapshot!(refused("email", json!(17)), @r#"the parameters don't fit a task of kind "email": invalid type: integer `17`, expected a map"#);
    insta::assert_snapshot!(refused("email", json!(["Ada", 2])), @r#"the parameters don't fit a task of kind "email": invalid type: sequence, expected a map"#);
}

#[test]
fn creating_a_task_runs_none_of_its_code() {
    let code = Handler::new(|_| -> std::future::Ready<()> { panic!("it runs") });
    let registry = Registry::default().with_handler("test", code);

    let task = registry.new_task("test", json!({ "any": "thing" }));
    assert!(task.is_ok());
    let refused = registry.new_task("test", json!([])).unwrap_err();

    insta::assert_snapshot!(refused, @r#"the parameters don't fit a task of kind "test": invalid type: sequence, expected a map"#);
}

/// No JSON object has numbers for names of its fields, nor is a number.
#[derive(Deserialize)]
struct Unwritable;

impl Serialize for Unwritable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(1)
    }
}

impl TaskHandler for Unwritable {
    const KIND: &'static str = "unwritable";
    type Output = ();

    async fn execute(self, _context: &Context) -> Result<(), TaskError> {
        Ok(())
    }
}

#[tokio::test]
async fn parameters_that_are_no_object_are_refused_before_they_are_written() {
    let refused = store().create(&Unwritable).await.unwrap_err();
    insta::assert_snapshot!(refused, @r#"the parameters don't fit a task of kind "unwritable": invalid type: integer `1`, expected a map"#);
}

#[tokio::test]
async fn one_row_that_cannot_be_executed_is_told_and_the_others_go_on() {
    let store = store();
    let insert = "INSERT INTO tasks (task_kind, task_parameters, created_at, updated_at) VALUES
         ('email', '{\"copies\": \"two\"}', 0, 0),
         ('email', CAST(x'7b22746f223a22e9222c22636f70696573223a317d' AS TEXT), 0, 0),
         ('email', CAST('{\"deep\": ' || replace(hex(zeroblob(100)), '0', '[')
                        || replace(hex(zeroblob(100)), '0', ']') || '}' AS TEXT), 0, 0),
         (CAST(x'e9' AS TEXT), '{}', 0, 0)";
    connection().execute(insert, []).unwrap();
    store.create(&email("Ada")).await.unwrap();

    run(&store).await;

    let left =
        rows("SELECT id, hex(task_kind), status FROM tasks WHERE status IN ('waiting', 'running')");
    assert_eq!(left, "4 | E9 | waiting");
    let log = log();
    let told: Vec<_> = log
        .lines()
        .filter(|line| line.contains("task failed"))
        .collect();
    assert_eq!(told.len(), 3, "{log}");
    assert!(log.contains(r#"e-mail to="Ada""#), "{log}");
}

#[tokio::test]
async fn a_kind_that_nobody_knows_here_is_told() {
    let store = store();
    store
        .create(NewTask::new("letter", json!({})))
        .await
        .unwrap();

    run(&store).await;

    assert_eq!(left(), "1 | waiting");
    let warning = r#" WARN tasks of an unknown kind are left waiting kind="letter""#;
    assert!(log().contains(warning), "{}", log());
}
