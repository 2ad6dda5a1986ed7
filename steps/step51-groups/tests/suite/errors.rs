//! An error is recorded, and harms nobody else.

use std::fmt;
use std::future::pending;
use std::panic::panic_any;
use std::sync::Arc;

use serde_json::{Value, json};
use step51_groups::{Handler, Store, TaskError};
use tokio::sync::Notify;
use tokio::task::yield_now;

use crate::common::{create_tasks, drain, engine, log, rows, store};
use crate::inspection::program;

/// Executes a task, then another, and gives the report of the first one's failure.
pub async fn report_of(handler: Handler) -> Value {
    let store = store();
    create_tasks(&store, 2).await;
    let handler = Handler::fallible(move |context| {
        let handler = handler.clone();
        async move {
            match context.task.id {
                1 => handler.execute(context).await,
                _ => Ok(json!(null)),
            }
        }
    });
    drain(engine(1, &store, handler)).await.unwrap();

    assert_eq!(rows("SELECT status FROM tasks"), "failed\nstopped");
    let report = rows("SELECT error FROM task_executions WHERE status = 'failure'");
    serde_json::from_str(&report).unwrap()
}

#[derive(Debug, thiserror::Error)]
#[error("the invoice can't be written")]
struct Unwritten(#[source] std::num::ParseIntError);

fn unwritten() -> Unwritten {
    Unwritten("ten".parse::<u8>().unwrap_err())
}

#[tokio::test]
async fn an_error_is_recorded_with_its_causes_each_told_once() {
    let report = report_of(Handler::fallible(|_| async {
        Err::<(), _>(unwritten().into())
    }));
    let report = report.await;
    assert_eq!(report["message"], "the invoice can't be written");
    assert_eq!(report["causes"], json!(["invalid digit found in string"]));
    assert_eq!(report["type"], "suite::errors::Unwritten");
    assert!(log().contains("task failed worker=0 task=1 "), "{}", log());
    assert!(
        log().contains(r#" error="the invoice can't be written""#),
        "{}",
        log()
    );
}

#[test]
fn any_error_will_do_and_so_will_a_text() {
    fn all() -> Vec<TaskError> {
        let boxed: Box<dyn std::error::Error + Send + Sync> = unwritten().into();
        let with = |fails: fn() -> Result<(), TaskError>| fails().unwrap_err();
        vec![
            with(|| Ok(Err(unwritten())?)),
            with(|| Ok(Err(anyhow::Error::from(unwritten()))?)),
            with(|| Err("the invoice can't be written")?),
            with(|| Err("the invoice can't be written".to_owned())?),
            TaskError::from(boxed),
        ]
    }
    for error in all() {
        assert_eq!(error.message(), "the invoice can't be written");
    }
}

#[tokio::test]
async fn a_panic_is_recorded_and_the_other_tasks_go_on() {
    let report = report_of(Handler::new(|context| async move {
        assert!(context.task.id > 1, "no task {}", context.task.id);
    }));
    let report = report.await;
    assert_eq!(report["type"], "panic");
    assert_eq!(report["message"], "no task 1");
    assert_eq!(report["causes"], json!([]));
}

#[tokio::test]
async fn a_panic_before_the_future_is_one_too() {
    let report = report_of(Handler::new(|_| -> std::future::Ready<()> {
        panic!("at once")
    }));
    assert_eq!(report.await["message"], "at once");
}

/// What a panic carries may be anything, and panic itself.
#[tokio::test]
async fn whatever_a_panic_carries_will_do() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("it goes off");
        }
    }
    fn bomb() {
        panic_any(Bomb)
    }
    let report = report_of(Handler::new(|_| async { bomb() }));
    assert_eq!(report.await["message"], "a panic without a message");
}

#[derive(Debug)]
struct Unspeakable;

impl fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut fmt::Formatter) -> fmt::Result {
        panic!("no words for it")
    }
}

impl std::error::Error for Unspeakable {}

#[tokio::test]
async fn an_error_that_panics_when_it_is_told_is_a_panic() {
    let report = report_of(Handler::fallible(|_| async {
        Err::<(), _>(Unspeakable.into())
    }));
    assert_eq!(report.await["message"], "no words for it");
}

#[tokio::test]
async fn a_result_that_cannot_be_kept_is_a_failure() {
    let deep = |_| async { (0..1001).fold(json!(null), |inside, _| Value::Array(vec![inside])) };
    let message = report_of(Handler::new(deep)).await["message"].to_string();
    assert!(
        message.starts_with("\"the result can't be kept: "),
        "{message}"
    );
}

#[tokio::test]
async fn a_result_that_is_not_json_is_a_failure() {
    let unwritable = |_| async { std::collections::BTreeMap::from([((1, 2), 3)]) };
    let report = report_of(Handler::new(unwritable)).await;
    assert_eq!(
        report["message"],
        "the result of the task can't be written as JSON"
    );
}

/// The code of a task is apart from its worker, but not left behind by it.
#[tokio::test]
async fn dropping_the_engine_stops_the_code_of_its_tasks() {
    let store: Store = store();
    create_tasks(&store, 1).await;
    let started = Arc::new(Notify::new());
    let alive = Arc::new(());
    let (signal, held) = (started.clone(), Arc::downgrade(&alive));
    let handler = Handler::new(move |_| {
        let (signal, alive) = (signal.clone(), alive.clone());
        async move {
            signal.notify_one();
            pending::<()>().await;
            drop(alive);
        }
    });

    tokio::select! {
        outcome = engine(1, &store, handler).run() => panic!("the engine has ended: {outcome:?}"),
        () = started.notified() => (),
    }

    while held.strong_count() > 0 {
        yield_now().await;
    }
    assert_eq!(rows("SELECT status FROM tasks"), "running");
}

#[tokio::test]
async fn a_failure_is_shown() {
    let _ = report_of(Handler::fallible(|_| async {
        Err::<(), _>(unwritten().into())
    }))
    .await;
    let shown = program(&["show", "1"]);
    // Without the times, nor the places, nor the backtrace that there may be.
    let shown = shown.split("\n   0: ").next().unwrap();
    let lines = shown.lines();
    let what: Vec<_> = lines
        .filter(|line| !line.contains('Z') && !line.contains(" at "))
        .collect();
    let what = what.join("\n");
    insta::assert_snapshot!(what);
}
