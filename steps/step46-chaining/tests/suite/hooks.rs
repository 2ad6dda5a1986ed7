//! Code that runs around the executions.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use step46_chaining::{
    Config, Context, Engine, Handler, Measures, Outcome, Registry, Rest, RetryPolicy, Store,
    TaskError, report_failures,
};

use crate::common::{create_tasks, log, rows, store};

/// What has happened, in its order.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    fn add(&self, note: impl Into<String>) {
        self.0.lock().unwrap().push(note.into());
    }

    fn take(&self) -> String {
        self.0.lock().unwrap().split_off(0).join("\n")
    }

    /// A hook that notes when it is entered, and left.
    fn hook(&self, name: &'static str) -> impl Fn(Context, Rest) -> Hooked + Send + Sync + use<> {
        let notes = self.clone();
        move |context, rest| {
            let notes = notes.clone();
            Box::pin(async move {
                notes.add(format!("{name} in"));
                let outcome = rest.run(context).await;
                let left = outcome
                    .as_ref()
                    .map_or_else(|error| error.message().to_owned(), Value::to_string);
                notes.add(format!("{name} out: {left}"));
                outcome
            })
        }
    }

    fn handler(&self, outcome: impl Fn() -> Outcome + Send + Sync + 'static) -> Handler {
        let (notes, outcome) = (self.clone(), Arc::new(outcome));
        Handler::fallible(move |_| {
            let (notes, outcome) = (notes.clone(), outcome.clone());
            async move {
                notes.add("the task");
                outcome()
            }
        })
    }
}

type Hooked = std::pin::Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// Executes one task, and gives what is kept of its failure.
async fn execute(store: &Store, registry: Registry) -> Value {
    create_tasks(store, 1).await;
    let config = Config {
        instance: "test".to_owned(),
        workers: 1,
        retry_policy: RetryPolicy {
            max_retries: 0,
            ..RetryPolicy::default()
        },
        ..Config::default()
    };
    let engine = Engine::new(store.clone(), registry, config)
        .start()
        .await
        .unwrap();
    engine.drain().await.unwrap();
    let error =
        rows("SELECT coalesce(error, 'null') FROM task_executions ORDER BY id DESC LIMIT 1");
    serde_json::from_str(&error).unwrap()
}

#[tokio::test]
async fn the_first_hook_is_the_outermost_and_those_of_a_kind_are_inside() {
    let notes = Notes::default();
    let handler = notes.handler(|| Ok(7.into()));
    let handler = handler
        .hooked("c", notes.hook("c"))
        .hooked("d", notes.hook("d"));
    let registry = Registry::default()
        .with_hook("a", notes.hook("a"))
        .with_hook("b", notes.hook("b"))
        .with_handler("test", handler);

    assert_eq!(execute(&store(), registry).await, Value::Null);

    insta::assert_snapshot!(notes.take(), @r"
    a in
    b in
    c in
    d in
    the task
    d out: 7
    c out: 7
    b out: 7
    a out: 7
    ");
}

#[tokio::test]
async fn a_hook_refuses_a_task_under_its_name() {
    let notes = Notes::default();
    let registry = Registry::default()
        .with_hook("notes", notes.hook("notes"))
        .with_hook("closed", |_, _| async { Err("the shop is closed".into()) })
        .with_handler("test", notes.handler(|| Ok(7.into())));

    let error = execute(&store(), registry).await;

    assert_eq!(error["message"], r#"hook "closed": the shop is closed"#);
    assert_eq!(error["hook"], "closed");
    insta::assert_snapshot!(notes.take(), @r#"
    notes in
    notes out: hook "closed": the shop is closed
    "#);
    assert_eq!(rows("SELECT status FROM tasks"), "failed");
}

#[tokio::test]
async fn a_hook_that_fails_afterwards_is_named_and_one_that_passes_an_error_on_is_not() {
    let after = |context, rest: Rest| async move {
        rest.run(context).await?;
        Err("the disk is full".into())
    };
    let registry = |outcome: fn() -> Outcome| {
        let handler = Notes::default().handler(outcome);
        Registry::default()
            .with_hook("after", after)
            .with_handler("test", handler)
    };
    let store = store();

    let error = execute(&store, registry(|| Ok(7.into()))).await;
    assert_eq!(error["message"], r#"hook "after": the disk is full"#);

    let error = execute(&store, registry(|| Err("no such customer".into()))).await;
    assert_eq!(error["message"], "no such customer");
    assert_eq!(error["hook"], Value::Null);
}

#[tokio::test]
async fn a_panic_of_a_hook_is_the_failure_of_the_task() {
    let notes = Notes::default();
    let registry = |hook: fn() -> Hooked| {
        Registry::default()
            .with_hook("notes", notes.hook("notes"))
            .with_hook("bomb", move |_, _| hook())
            .with_handler("test", notes.handler(|| Ok(7.into())))
    };
    let store = store();
    let bombs: [fn() -> Hooked; 2] = [|| panic!("at once"), || Box::pin(async { panic!("later") })];
    for (bomb, message) in bombs.into_iter().zip(["at once", "later"]) {
        let error = execute(&store, registry(bomb)).await;
        assert_eq!(error["message"], format!("hook \"bomb\": {message}"));
        assert_eq!(error["type"], "panic");
        assert!(
            error["place"].as_str().unwrap().contains("hooks.rs"),
            "{error}"
        );
    }
    assert!(notes.take().ends_with(r#"notes out: hook "bomb": later"#));
}

#[tokio::test]
async fn a_hook_sees_the_panic_of_a_task_as_an_error() {
    let notes = Notes::default();
    let registry = Registry::default()
        .with_hook("notes", notes.hook("notes"))
        .with_handler("test", notes.handler(|| panic!("no task")));

    let error = execute(&store(), registry).await;

    assert_eq!(error["message"], "no task");
    assert_eq!(error["hook"], Value::Null);
    assert!(
        error["place"].as_str().unwrap().contains("hooks.rs"),
        "{error}"
    );
    assert!(notes.take().ends_with("notes out: no task"));
}

#[tokio::test]
async fn a_hook_may_replace_what_the_task_returns_or_hide_its_failure() {
    let registry = Registry::default()
        .with_hook("hide", |context, rest: Rest| async move {
            Ok(rest
                .run(context)
                .await
                .unwrap_or_else(|error| error.message().into()))
        })
        .with_handler(
            "test",
            Notes::default().handler(|| Err("no such customer".into())),
        );
    let store = store();
    assert_eq!(execute(&store, registry).await, Value::Null);
    assert_eq!(
        rows("SELECT result FROM task_executions"),
        r#""no such customer""#
    );
}

#[tokio::test]
async fn failures_are_reported_once_each() {
    let (notes, reported) = (Notes::default(), Notes::default());
    let report = reported.clone();
    let registry = Registry::default()
        .with_hook(
            "report",
            report_failures(move |context: &Context, error: &TaskError| {
                report.add(format!("task {}: {}", context.task.id, error.message()));
            }),
        )
        .with_handler("test", notes.handler(|| Err("no such customer".into())));
    execute(&store(), registry).await;
    assert_eq!(reported.take(), "task 1: no such customer");
}

#[tokio::test]
async fn a_report_that_panics_changes_no_failure() {
    let report = |_: &Context, _: &TaskError| panic!("nobody to tell");
    let handler = Notes::default().handler(|| Err(TaskError::permanent("no such customer")));
    let registry = Registry::default()
        .with_hook("report", report_failures(report))
        .with_handler("test", handler);
    let error = execute(&store(), registry).await;
    assert_eq!(error["message"], "no such customer");
    assert_eq!(rows("SELECT status FROM tasks"), "failed");
}

#[tokio::test]
async fn executions_are_measured_kind_by_kind() {
    let measures = Measures::default();
    let store = store();
    for outcome in [|| Ok(7.into()), || Err("no such customer".into())] {
        let slow = |context, rest: Rest| async move {
            tokio::time::sleep(Duration::from_millis(5)).await;
            rest.run(context).await
        };
        let registry = Registry::default()
            .with_hook("measures", measures.hook())
            .with_hook("slow", slow)
            .with_handler("test", Notes::default().handler(outcome));
        execute(&store, registry).await;
    }
    let kinds = measures.kinds();
    let test = kinds["test"];
    assert_eq!((kinds.len(), test.executions, test.failures), (1, 2, 1));
    assert!(test.total >= Duration::from_millis(10), "{test:?}");
    assert!(test.longest < test.total, "{test:?}");
}

/// Whatever it holds is dropped with it.
#[tokio::test]
async fn a_hook_is_dropped_with_its_engine() {
    let dropped = Arc::new(());
    let held = Arc::downgrade(&dropped);
    let guard = Mutex::new(Some(dropped));
    let registry = Registry::default()
        .with_hook("guard", move |context, rest: Rest| {
            let guard = guard.lock().unwrap().take();
            async move {
                let outcome = rest.run(context).await;
                drop(guard);
                outcome
            }
        })
        .with_handler("test", Handler::new(|_| std::future::pending::<()>()));
    let store = store();
    create_tasks(&store, 1).await;
    let config = Config {
        instance: "test".to_owned(),
        ..Config::default()
    };
    let running = tokio::spawn(Engine::new(store, registry, config).run());
    crate::common::until(|| log().contains("task started")).await;
    running.abort();
    crate::common::until(|| held.upgrade().is_none()).await;
}
