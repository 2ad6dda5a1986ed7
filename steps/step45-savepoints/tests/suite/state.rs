//! What the tasks share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::named_params;
use serde::{Deserialize, Serialize};
use serde_json::json;
use step45_savepoints::{Context, Registry, TaskError, TaskHandler};

use crate::common::{connection, engine_with, rows, store};

/// What the tasks share.
struct Mailer {
    sent: AtomicU32,
}

#[derive(Serialize, Deserialize)]
struct Email {
    to: String,
}

impl TaskHandler for Email {
    const KIND: &'static str = "email";
    type Output = u32;

    async fn execute(self, context: &Context) -> Result<u32, TaskError> {
        let mailer: &Arc<Mailer> = context.state();
        if self.to.is_empty() {
            return Err("nobody to write to".into());
        }
        Ok(mailer.sent.fetch_add(1, Ordering::SeqCst) + 1)
    }
}

fn mailer() -> Arc<Mailer> {
    Arc::new(Mailer {
        sent: AtomicU32::new(0),
    })
}

fn email(to: &str) -> Email {
    Email { to: to.to_owned() }
}

#[tokio::test]
async fn typed_tasks_share_what_the_application_has() {
    let (store, mailer) = (store(), mailer());
    for to in ["Ada", "Grace"] {
        store.create(&email(to)).await.unwrap();
    }

    let registry = Registry::default()
        .with::<Email>()
        .with_state(mailer.clone());
    let engine = engine_with("test", 1, &store, registry)
        .start()
        .await
        .unwrap();
    engine.drain().await.unwrap();

    assert_eq!(mailer.sent.load(Ordering::SeqCst), 2);
    assert_eq!(rows("SELECT result FROM task_executions"), "1\n2");
}

#[tokio::test]
async fn a_state_that_nobody_has_given_fails_the_task_only() {
    let store = store();
    store.create(&email("Ada")).await.unwrap();
    let registry = Registry::default().with::<Email>();
    let engine = engine_with("test", 1, &store, registry)
        .start()
        .await
        .unwrap();
    engine.drain().await.unwrap();

    let error = rows("SELECT error ->> 'message' FROM task_executions");
    assert!(error.starts_with("no state of type "), "{error}");
}

#[tokio::test]
async fn the_code_of_a_task_can_be_tested_alone() {
    let context = Context::for_test().with_state(mailer());
    assert_eq!(email("Ada").execute(&context).await.unwrap(), 1);
    let error = email("").execute(&context).await.unwrap_err();
    assert_eq!(error.message(), "nobody to write to");
}

/// That of the crate's documentation.
#[tokio::test]
async fn any_program_can_create_a_task() {
    let documentation = include_str!("../../src/lib.rs");
    let sql = documentation
        .split("```sql")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let sql = sql.replace("//!", "");
    let store = store();
    let values = named_params! {
        ":kind": "email",
        ":parameters": json!({ "to": "Ada" }).to_string(),
        ":scheduled_at": 0,
        ":now": 1_600_000_000_000_i64,
    };
    connection().execute(&sql, values).unwrap();

    let registry = Registry::default().with::<Email>().with_state(mailer());
    let engine = engine_with("test", 1, &store, registry)
        .start()
        .await
        .unwrap();
    engine.drain().await.unwrap();

    assert_eq!(rows("SELECT status FROM tasks"), "stopped");
}
