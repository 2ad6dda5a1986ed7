//! Kinds whose tasks don't start.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use step45_savepoints::{
    Acquired, Clock, Config, Ending, Engine, Execution, Handler, NewTask, Next, Registry,
    RunningEngine, Selection, Store,
};
use tokio::sync::{Barrier, Semaphore};

use crate::common::{
    acquire, connection, create_tasks, database, engine, engine_with, left, log, rows, statements,
    store, until,
};
use crate::inspection::program;
use crate::monitoring::plans;
use crate::notifications::fall_asleep;

const TASKS: &str = "SELECT task_kind, status, count(*) FROM tasks GROUP BY task_kind, status";

/// Tasks of two kinds, which do the same.
fn registry(handler: &Handler) -> Registry {
    let registry = Registry::default().with_handler("email", handler.clone());
    registry.with_handler("test", handler.clone())
}

/// The code of a task that waits for a permit.
fn gated(permits: &Arc<Semaphore>) -> Handler {
    let permits = permits.clone();
    Handler::new(move |_| {
        let permits = permits.clone();
        async move { permits.acquire().await.unwrap().forget() }
    })
}

fn instant() -> Handler {
    Handler::new(|_| async {})
}

/// An engine that looks neither at the database nor at the clock by itself.
async fn heedless(workers: u16, store: &Store, handler: Handler) -> RunningEngine {
    let config = Config {
        instance: "test".to_owned(),
        workers,
        watch_interval: Duration::from_hours(1),
        wake_up_interval: Duration::from_hours(1),
        ..Config::default()
    };
    let engine = Engine::new(store.clone(), registry(&handler), config);
    engine.start().await.unwrap()
}

async fn create(store: &Store, kind: &'static str, count: u32) {
    let create = store.transaction(move |tx| {
        (0..count).try_for_each(|_| tx.create(NewTask::new(kind, json!({}))).map(drop))
    });
    create.await.unwrap();
}

#[tokio::test]
async fn none_is_acquired_until_it_is_resumed() {
    let _log = store();
    let clock = Clock::manual("2020-09-13T12:26:40Z".parse().unwrap());
    let store = Store::open_with_clock(database(), clock.clone()).unwrap();
    create_tasks(&store, 1).await;

    assert!(store.pause_kind("test").await.unwrap());
    clock.advance(Duration::from_secs(1));
    assert!(!store.pause_kind("test").await.unwrap());
    assert!(acquire(&store).await.is_none());
    let paused = "SELECT task_kind, paused_at FROM paused_kinds";
    assert_eq!(rows(paused), "test | 1600000000000");

    assert!(store.resume_kind("test").await.unwrap());
    assert!(!store.resume_kind("test").await.unwrap());
    assert!(acquire(&store).await.is_some());
}

#[tokio::test]
async fn the_next_one_is_that_of_another_kind() {
    let store = store();
    create_tasks(&store, 1).await;
    let at = store.now() + Duration::from_hours(1);
    let later = NewTask::new("email", json!({})).at(at);
    store.create(later).await.unwrap();
    store.pause_kind("test").await.unwrap();

    let selection = Selection {
        instance: "test".into(),
        engine: None,
        kinds: ["email".to_owned(), "test".to_owned()].into(),
        taken: Arc::default(),
    };
    let acquired = store.try_acquire_task(&selection).await.unwrap();

    let Acquired { task, next, .. } = acquired;
    assert!(task.is_none());
    assert_eq!(next.unwrap().as_millisecond(), at.as_millisecond());
}

/// What is due rings the alarm at once, and would for ever.
#[tokio::test]
async fn an_engine_with_nothing_else_to_do_is_at_rest() {
    let store = store();
    create(&store, "test", 3).await;
    store.pause_kind("test").await.unwrap();
    let engine = heedless(2, &store, instant()).await;
    fall_asleep(&store).await;

    let asked = statements(&store, fall_asleep(&store)).await;

    let looked = asked.iter().any(|sql| sql.contains("paused_kinds"));
    assert!(!looked, "{asked:#?}");
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn running_ones_end_and_other_kinds_go_on() {
    let store = store();
    let permits = Arc::new(Semaphore::new(0));
    create(&store, "test", 5).await;
    let engine = engine_with("test", 2, &store, registry(&gated(&permits)));
    let engine = engine.start().await.unwrap();
    until(|| left().matches("running").count() == 2).await;

    store.pause_kind("test").await.unwrap();
    create(&store, "email", 3).await;
    permits.add_permits(5);

    until(|| rows(TASKS).contains("email | stopped | 3")).await;
    engine.shutdown().await.unwrap();
    let tasks = "email | stopped | 3\ntest | stopped | 2\ntest | waiting | 3";
    assert_eq!(rows(TASKS), tasks);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_flood_stops_where_it_is() {
    let store = store();
    create(&store, "test", 500).await;
    let others = [Store::open(database()), Store::open(database())].map(Result::unwrap);
    let mut engines = Vec::new();
    for other in &others {
        let engine = engine_with("test", 3, other, registry(&instant()));
        engines.push(engine.start().await.unwrap());
    }
    let executions = "SELECT count(*) FROM task_executions JOIN tasks ON tasks.id = task_id
                      WHERE task_kind = 'test'";
    until(|| rows(executions) != "0").await;

    store.pause_kind("test").await.unwrap();

    let started = rows(executions);
    create(&store, "email", 20).await;
    until(|| rows(TASKS).contains("email | stopped | 20")).await;
    assert_eq!(rows(executions), started);
    store.resume_kind("test").await.unwrap();
    until(|| rows(TASKS) == "email | stopped | 20\ntest | stopped | 500").await;
    assert_eq!(rows(executions), "500");
    for engine in engines {
        engine.shutdown().await.unwrap();
    }
}

/// Each of them: they wait for one another.
#[tokio::test]
async fn resuming_wakes_the_workers() {
    let store = store();
    let barrier = Arc::new(Barrier::new(3));
    let handler = Handler::new(move |_| {
        let barrier = barrier.clone();
        async move {
            barrier.wait().await;
        }
    });
    create(&store, "test", 3).await;
    store.pause_kind("test").await.unwrap();
    let engine = heedless(3, &store, handler).await;
    fall_asleep(&store).await;

    store.resume_kind("test").await.unwrap();

    until(|| left().is_empty()).await;
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn resuming_elsewhere_wakes_them_too() {
    let _log = store();
    // So that nothing else does: with this clock, the alarm doesn't ring.
    let clock = Clock::manual("2020-09-13T12:26:40Z".parse().unwrap());
    let store = Store::open_with_clock(database(), clock).unwrap();
    create(&store, "test", 3).await;
    store.pause_kind("test").await.unwrap();
    let engine = engine(2, &store, instant()).start().await.unwrap();
    fall_asleep(&store).await;

    let other = Store::open(database()).unwrap();
    other.resume_kind("test").await.unwrap();

    until(|| left().is_empty()).await;
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_retry_waits_too() {
    let store = store();
    create_tasks(&store, 1).await;
    let execution = Execution::of(acquire(&store).await.unwrap());
    store.pause_kind("test").await.unwrap();
    let retry = Next::RetryAt(store.now());
    let ended = store.end(&execution, Err("down".into()), retry).await;
    assert_eq!(ended.unwrap(), Ending::Ended);

    assert!(acquire(&store).await.is_none());
    store.retry_task(1).await.unwrap();
    assert!(acquire(&store).await.is_none());

    store.resume_kind("test").await.unwrap();
    assert_eq!(acquire(&store).await.unwrap().retries, 1);
}

#[tokio::test]
async fn draining_leaves_them_and_says_so() {
    let store = store();
    create(&store, "test", 2).await;
    create(&store, "email", 2).await;
    store.pause_kind("test").await.unwrap();
    // Of no task, and of a kind that this engine doesn't know.
    store.pause_kind("invoice").await.unwrap();

    let engine = engine_with("test", 2, &store, registry(&instant()));
    engine.start().await.unwrap().drain().await.unwrap();

    assert_eq!(rows(TASKS), "email | stopped | 2\ntest | waiting | 2");
    let told: Vec<_> = log()
        .lines()
        .filter(|line| line.contains("paused"))
        .map(str::to_owned)
        .collect();
    // When it starts, and in the end.
    assert_eq!(told.len(), 2, "{told:?}");
    for told in told {
        let expected = "tasks of a paused kind are left waiting kind=\"test\" since=";
        assert!(told.contains(expected), "{told}");
    }
}

#[tokio::test]
async fn so_it_does_of_those_that_are_paused_meanwhile() {
    let store = store();
    let engine = engine_with("test", 1, &store, registry(&instant()));
    let engine = engine.start().await.unwrap();
    until(|| log().contains("engine started")).await;
    store.pause_kind("test").await.unwrap();
    create(&store, "test", 1).await;
    engine.drain().await.unwrap();
    assert!(log().contains("are left waiting kind=\"test\" since="));
}

#[tokio::test]
async fn what_there_is_of_each_kind_is_counted() {
    let store = store();
    let insert = "WITH RECURSIVE numbers (number) AS (
                      SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < 10001
                  )
                  INSERT INTO tasks (task_kind, task_parameters, status, created_at, updated_at)
                  SELECT 'test', '{}', 'waiting', 0, 0 FROM numbers
                  UNION ALL SELECT 'email', '{}', 'waiting', 0, 0 FROM numbers WHERE number < 10000
                  UNION ALL SELECT 'email', '{}', 'running', 0, 0 FROM numbers WHERE number < 4
                  UNION ALL SELECT 'old', '{}', 'stopped', 0, 0 FROM numbers;
                  INSERT INTO paused_kinds VALUES ('test', 1600000000000)";
    connection().execute_batch(insert).unwrap();

    let kinds = store.reader().kinds(&registry(&instant())).await.unwrap();

    let kinds = kinds.iter().map(|kind| {
        let since = kind.paused_at.map(Timestamp::as_millisecond);
        (&*kind.kind, kind.waiting, kind.running, since)
    });
    let expected = [
        ("email", 9_999, 3, None),
        ("test", 10_000, 0, Some(1_600_000_000_000)),
    ];
    assert!(kinds.eq(expected));
}

#[tokio::test]
async fn counting_reads_neither_history_nor_more_than_it_counts() {
    let store = store();
    let asked = statements(&store, async {
        store.reader().kinds(&Registry::default()).await.unwrap();
    })
    .await;
    insta::assert_snapshot!(plans(&asked));
}

#[test]
fn kinds_are_listed() {
    drop(store());
    let insert = "INSERT INTO tasks (task_kind, task_parameters, status, created_at, updated_at)
                  VALUES ('waiting', '{}', 'waiting', 0, 0), ('waiting', '{}', 'running', 0, 0),
                         ('letter' || char(10, 27), '{}', 'waiting', 0, 0),
                         (CAST('caf' || x'E9' AS TEXT), '{}', 'waiting', 0, 0);
                  UPDATE tasks SET scheduled_at = 4102444800000; -- none is due: no age is shown
                  INSERT INTO paused_kinds
                  VALUES ('waiting', 1600000000000), ('wating', 1600000000000)";
    connection().execute_batch(insert).unwrap();

    insta::assert_snapshot!(program(&["kinds"]));
    let kinds: Value = serde_json::from_str(&program(&["kinds", "--json"])).unwrap();
    let paused = kinds.as_array().unwrap().iter();
    let paused = paused.filter(|kind| kind["paused_at"] == "2020-09-13T12:26:40Z");
    let known: Vec<_> = paused.map(|kind| &kind["known"]).collect();
    assert_eq!(known, [true, false]);
}

#[test]
fn known_kinds_are_listed_without_a_database() {
    assert!(program(&["kinds"]).contains("failing  "));
    assert!(!database().exists());
    // But it may be there, where nobody can look.
    fs::write(database(), "").unwrap();
    let inside = database().join("task_engine.db");
    let refused = program(&["kinds", "--database", inside.to_str().unwrap()]);
    assert!(refused.contains("Not a directory"), "{refused}");
}

#[test]
fn what_is_done_is_told() {
    drop(store());
    let told = [
        program(&["pause", "waiting", "wat\ning"]),
        program(&["pause", "waiting"]),
        program(&["resume", "waiting", "failing"]),
    ];
    insta::assert_snapshot!(told.concat(), @"
    waiting is paused
    wat ing is paused; this program doesn't know it
    waiting was paused already
    waiting is resumed
    failing wasn't paused
    ");
    assert_eq!(rows("SELECT task_kind FROM paused_kinds"), "wat\ning");
}
