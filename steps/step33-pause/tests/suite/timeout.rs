//! Executions that take too long.

use std::future::pending;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use step33_pause::{
    Config, Context, Engine, Handler, Outcome, Registry, Rest, RetryPolicy, Store, TaskError,
};
use tokio_util::sync::CancellationToken;

use crate::common::{engine_named, log, new_task, rows, store, until};

const SHORT: Duration = Duration::from_millis(20);

/// One that only ends because it is asked to.
fn asked_to_stop(outcome: impl Fn() -> Outcome + Send + Sync + 'static) -> Handler {
    let outcome = Arc::new(outcome);
    Handler::fallible(move |context: Context| {
        let outcome = outcome.clone();
        async move {
            context.cancelled().await;
            assert!(context.is_cancelled());
            outcome()
        }
    })
}

struct Guard(Arc<Mutex<u32>>);

impl Drop for Guard {
    fn drop(&mut self) {
        *self.0.lock().unwrap() += 1;
    }
}

/// One that never ends, nor listens, and says when it is gone.
fn deaf(gone: &Arc<Mutex<u32>>) -> Handler {
    let gone = gone.clone();
    Handler::new(move |_| {
        let guard = Guard(gone.clone());
        async move {
            let _guard = guard;
            pending::<()>().await;
        }
    })
}

/// One that waits no longer than it must for those that are asked to stop.
async fn drain(store: &Store, registry: Registry, cancellation_grace: Duration) {
    let config = Config {
        instance: "test".to_owned(),
        cancellation_grace,
        retry_policy: RetryPolicy::never(),
        ..Config::default()
    };
    let engine = Engine::new(store.clone(), registry, config);
    engine.start().await.unwrap().drain().await.unwrap();
}

async fn execute(handler: Handler, cancellation_grace: Duration) {
    let store = store();
    store.create(new_task()).await.unwrap();
    let registry = Registry::default().with_handler("test", handler);
    drain(&store, registry, cancellation_grace).await;
}

fn executions() -> String {
    rows("SELECT status, result, error ->> 'type', error ->> 'message' FROM task_executions")
}

#[tokio::test]
async fn a_task_that_takes_too_long_is_asked_to_stop() {
    let handler = asked_to_stop(|| Err("stopped half-way".into()));
    execute(handler.timeout(SHORT), Duration::MAX).await;
    assert_eq!(
        executions(),
        "failure | NULL | timeout | timed out after 20ms: stopped half-way"
    );
    assert_eq!(rows("SELECT status FROM tasks"), "failed");
    assert!(log().contains("task is asked to stop worker="), "{}", log());
    assert!(log().contains("reason=timed out after 20ms"), "{}", log());
}

#[tokio::test]
async fn what_it_has_done_nevertheless_is_done() {
    let handler = asked_to_stop(|| Ok(json!("all of it")));
    execute(handler.timeout(SHORT), Duration::MAX).await;
    assert_eq!(executions(), "success | \"all of it\" | NULL | NULL");
    assert_eq!(rows("SELECT status FROM tasks"), "stopped");
}

#[tokio::test]
async fn one_that_does_not_listen_is_cut_short() {
    let gone = Arc::new(Mutex::new(0));
    execute(deaf(&gone).timeout(SHORT), SHORT).await;
    assert_eq!(
        executions(),
        "failure | NULL | timeout | timed out after 20ms: cut short"
    );
    assert_eq!(*gone.lock().unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_keeps_its_thread_busy_is_given_up() {
    let (release, released) = mpsc::channel::<()>();
    let (left, leaving) = mpsc::channel();
    let (released, left) = (Mutex::new(Some(released)), Mutex::new(left));
    let handler = Handler::new(move |_| {
        let released = released.lock().unwrap().take();
        if let Some(released) = released {
            released.recv().unwrap_err();
            left.lock().unwrap().send(()).unwrap();
        }
        async { "an outcome" }
    });
    let store = store();
    store.create(new_task()).await.unwrap();
    let config = Config {
        instance: "test".to_owned(),
        workers: 1,
        cancellation_grace: SHORT,
        retry_policy: RetryPolicy {
            first_delay: Duration::ZERO,
            ..RetryPolicy::default()
        },
        ..Config::default()
    };
    let registry = Registry::default().with_handler("test", handler.timeout(SHORT));
    let engine = Engine::new(store.clone(), registry, config);
    // The worker takes the task again while its first execution goes on.
    engine.start().await.unwrap().drain().await.unwrap();
    drop(release);
    leaving.recv().unwrap();
    assert_eq!(
        executions(),
        "failure | NULL | timeout | timed out after 20ms: given up: it keeps its thread busy, and \
         can't be stopped\nsuccess | \"an outcome\" | NULL | NULL"
    );
}

/// The thread that the clock has woken is the one that it blocks.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn so_is_one_that_blocks_once_it_is_asked_to_stop() {
    let (release, released) = mpsc::channel::<()>();
    let released = Arc::new(Mutex::new(released));
    let handler = Handler::new(move |context: Context| {
        let released = released.clone();
        async move {
            context.cancelled().await;
            let too_long = Duration::from_secs(20);
            let _ = released.lock().unwrap().recv_timeout(too_long);
            "too late"
        }
    });
    let store = store();
    store.create(new_task()).await.unwrap();
    let config = Config {
        instance: "test".to_owned(),
        workers: 1,
        cancellation_grace: SHORT,
        retry_policy: RetryPolicy {
            max_retries: 0,
            ..RetryPolicy::default()
        },
        ..Config::default()
    };
    let registry = Registry::default().with_handler("test", handler.timeout(SHORT));
    let engine = Engine::new(store.clone(), registry, config);
    engine.start().await.unwrap().drain().await.unwrap();
    drop(release);
    assert_eq!(
        executions(),
        "failure | NULL | timeout | timed out after 20ms: given up: it keeps its thread busy, and \
         can't be stopped"
    );
}

#[tokio::test]
async fn a_timeout_is_a_failure_as_another() {
    let store = store();
    store.create(new_task()).await.unwrap();
    let policy = RetryPolicy {
        max_retries: 2,
        first_delay: Duration::ZERO,
        ..RetryPolicy::default()
    };
    let handler = asked_to_stop(|| Err("too slow".into()))
        .timeout(SHORT)
        .retried(policy);
    let registry = Registry::default().with_handler("test", handler);
    drain(&store, registry, Duration::MAX).await;
    let kept = "SELECT status, context ->> 'retry_number' FROM tasks";
    assert_eq!(rows(kept), "failed | 2");
    assert_eq!(executions().lines().count(), 3);
}

#[tokio::test]
async fn one_that_says_that_it_is_permanent_is_believed() {
    let store = store();
    store.create(new_task()).await.unwrap();
    let handler = asked_to_stop(|| Err(TaskError::permanent("no use")))
        .timeout(SHORT)
        .retried(RetryPolicy::default());
    let registry = Registry::default().with_handler("test", handler);
    drain(&store, registry, Duration::MAX).await;
    assert_eq!(rows("SELECT status FROM tasks"), "failed");
}

#[tokio::test]
async fn a_task_has_a_timeout_of_its_own_at_each_of_its_executions() {
    let store = store();
    let own = new_task().timeout(SHORT);
    let id = store.create(own).await.unwrap();
    let policy = RetryPolicy {
        max_retries: 1,
        first_delay: Duration::ZERO,
        ..RetryPolicy::default()
    };
    let handler = asked_to_stop(|| Err("too slow".into()))
        .timeout(Duration::MAX)
        .retried(policy);
    let registry = Registry::default().with_handler("test", handler);
    drain(&store, registry, Duration::MAX).await;
    assert_eq!(executions().lines().count(), 2);
    let (task, _) = store.reader().find_task(id).await.unwrap();
    assert_eq!(task.timeout_ms, Some(20));
}

#[tokio::test]
async fn no_timeout_is_too_long() {
    let store = store();
    let own = new_task().timeout(Duration::MAX);
    store.create(own).await.unwrap();
    let handler = Handler::new(async |context: Context| context.is_cancelled());
    let registry = Registry::default().with_handler("test", handler.timeout(Duration::MAX));
    drain(&store, registry, Duration::MAX).await;
    assert_eq!(executions(), "success | false | NULL | NULL");
}

#[tokio::test]
async fn whatever_another_program_has_noted_the_task_is_executed() {
    let store = store();
    for odd in ["'soon'", "-1", "1e300", "json('[20]')", "json('null')"] {
        store.create(new_task().timeout(SHORT)).await.unwrap();
        rows(&format!(
            "UPDATE tasks SET context = json_set(context, '$.timeout_ms', {odd})
             WHERE id = (SELECT max(id) FROM tasks) RETURNING id"
        ));
    }
    let handler = Handler::new(async |context: Context| context.task.timeout.is_none());
    let registry = Registry::default().with_handler("test", handler);
    drain(&store, registry, Duration::MAX).await;
    let executions = executions();
    assert!(
        executions
            .lines()
            .all(|line| line.starts_with("success | true")),
        "{executions}"
    );
    assert_eq!(executions.lines().count(), 5);
}

#[tokio::test]
async fn a_hook_sees_the_end_of_a_task_that_was_asked_to_stop() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let notes = seen.clone();
    let hook = move |context: Context, rest: Rest| {
        let notes = notes.clone();
        async move {
            let outcome = rest.run(context.clone()).await;
            let text = outcome
                .as_ref()
                .map_or_else(TaskError::message, |_| "success");
            let note = format!("cancelled {}: {text}", context.is_cancelled());
            notes.lock().unwrap().push(note);
            outcome
        }
    };
    let handler = asked_to_stop(|| Err("stopped half-way".into()));
    execute(handler.timeout(SHORT).hooked("notes", hook), Duration::MAX).await;
    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen, ["cancelled true: stopped half-way"]);
}

#[tokio::test]
async fn a_dropped_engine_leaves_nothing_behind_while_a_task_is_asked_to_stop() {
    let (asked, gone) = (Arc::new(Mutex::new(0)), Arc::new(Mutex::new(0)));
    let store = store();
    store.create(new_task()).await.unwrap();
    let notes = (asked.clone(), gone.clone());
    let handler = Handler::new(move |context: Context| {
        let (asked, guard) = (notes.0.clone(), Guard(notes.1.clone()));
        async move {
            let _guard = guard;
            context.cancelled().await;
            *asked.lock().unwrap() += 1;
            pending::<()>().await;
        }
    });
    let handler = handler.timeout(SHORT);
    let engine = engine_named("test", 1, &store, handler);
    tokio::select! {
        ended = engine.run() => ended.unwrap(),
        () = until(|| *asked.lock().unwrap() == 1) => (),
    }
    until(|| *gone.lock().unwrap() == 1).await;
    assert_eq!(rows("SELECT status FROM tasks"), "running");
}

#[tokio::test]
async fn the_code_of_a_task_can_be_cancelled_in_a_test() {
    let token = CancellationToken::new();
    let context = Context::for_test().with_cancellation(token.clone());
    assert!(!context.is_cancelled());
    token.cancel();
    context.cancelled().await;
    let result: Value = context.is_cancelled().into();
    assert_eq!(result, json!(true));
}
