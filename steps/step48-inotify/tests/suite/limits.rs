//! Kinds of which only so many tasks may run at once.

use std::num::NonZero;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use serde_json::json;
use step48_inotify::{
    Acquired, Execution, Handler, NewTask, Next, Priority, Registry, Selection, Store, Which,
};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::common::{
    acquire, connection, create_tasks, database, end, engine_with, new_task, rows, statements,
    store, until,
};
use crate::inspection::program;
use crate::monitoring::plans;
use crate::notifications::fall_asleep;
use crate::recovery::{observe, silent_engine, store_with_clock};

const RUNNING: &str = "SELECT count(*) FROM tasks WHERE status = 'running'";
const STATUSES: &str = "SELECT status, count(*) FROM tasks GROUP BY 1";

async fn limit(store: &Store, max_running: u32) -> bool {
    let limited = store.limit_kind("test", NonZero::new(max_running));
    limited.await.unwrap()
}

async fn limited(max_running: u32, waiting: usize) -> Store {
    let store = store();
    create_tasks(&store, waiting).await;
    limit(&store, max_running).await;
    store
}

/// What a worker that knows both kinds acquires.
async fn acquire_any(store: &Store) -> Acquired {
    let selection = Selection {
        instance: "test".into(),
        engine: None,
        kinds: ["other".to_owned(), "test".to_owned()].into(),
        taken: Arc::default(),
    };
    store.try_acquire_task(&selection).await.unwrap()
}

/// Tasks that run until they are let go.
fn held() -> (Handler, &'static Semaphore) {
    let gate: &Semaphore = Box::leak(Box::new(Semaphore::new(0)));
    let handler = Handler::new(move |_| async { gate.acquire().await.unwrap().forget() });
    (handler, gate)
}

#[tokio::test]
async fn no_more_run_at_once() {
    let store = limited(2, 4).await;
    let first = acquire(&store).await.unwrap();
    acquire(&store).await.unwrap();
    assert!(acquire(&store).await.is_none());
    let _ = end(&store, first).await;
    assert_eq!(acquire(&store).await.unwrap().id, 3);
    assert!(acquire(&store).await.is_none());
    assert_eq!(rows(RUNNING), "2");
}

#[tokio::test]
async fn a_limit_can_be_changed() {
    let store = limited(1, 4).await;
    assert!(!limit(&store, 1).await);
    let first = acquire(&store).await.unwrap();
    assert!(limit(&store, 3).await);
    acquire(&store).await.unwrap();
    acquire(&store).await.unwrap();
    assert!(acquire(&store).await.is_none());
    // Those that run are left to end.
    assert!(limit(&store, 1).await);
    let _ = end(&store, first).await;
    assert_eq!(rows(RUNNING), "2");
    assert!(acquire(&store).await.is_none());
    assert!(store.limit_kind("test", None).await.unwrap());
    assert!(!store.limit_kind("test", None).await.unwrap());
    acquire(&store).await.unwrap();
}

/// However old, and of whatever priority, those are that may not start.
#[tokio::test]
async fn the_others_are_not_held_up() {
    let store = limited(1, 3).await;
    store
        .create(new_task().priority(Priority::High))
        .await
        .unwrap();
    let acquired = acquire_any(&store).await;
    assert!(acquired.task.is_some());
    // No alarm for what isn't allowed to start: it would wake a worker for nothing.
    assert_eq!(acquired.next, None);
    let other = NewTask::new("other", json!({})).priority(Priority::Low);
    let other = store.create(other).await.unwrap();
    let acquired = acquire_any(&store).await;
    assert_eq!(acquired.task.unwrap().id, other);
    assert_eq!(acquired.next, None);
    let acquired = acquire_any(&store).await;
    assert!(acquired.task.is_none());
    assert_eq!(acquired.next, None);
}

/// What doesn't run leaves its place: what waits for its retry, what is put back, cancelled, or was
/// left by an engine that has died.
#[tokio::test]
async fn a_place_is_that_of_a_running_task() {
    let (store, clock) = store_with_clock();
    limit(&store, 1).await;
    create_tasks(&store, 5).await;
    let later = store.now() + Duration::from_hours(1);
    for next in [Next::RetryAt(later), Next::Failed, Next::Stopped] {
        let execution = Execution::of(acquire(&store).await.unwrap());
        assert!(acquire(&store).await.is_none());
        let _ = store
            .end(&execution, Err("down".into()), next)
            .await
            .unwrap();
    }
    let execution = Execution::of(acquire(&store).await.unwrap());
    let _ = store.cancel(Which::Task(execution.task.id)).await.unwrap();
    assert!(acquire(&store).await.is_none());
    let failed = store.end(&execution, Err("cancelled".into()), Next::Failed);
    let _ = failed.await.unwrap();
    let execution = Execution::of(acquire(&store).await.unwrap());
    let put_back = store.end(&execution, Err("stop".into()), Next::PutBack);
    let _ = put_back.await.unwrap();
    let _ = end(&store, acquire(&store).await.unwrap()).await;

    silent_engine(&store, 900, 1).await;
    create_tasks(&store, 1).await;
    assert!(acquire(&store).await.is_none());
    observe(&store, &clock, || rows(RUNNING) == "0").await;
    acquire(&store).await.unwrap();
}

#[test]
fn the_limit_is_exact_whoever_acquires() {
    let setup = Runtime::new().unwrap();
    setup.block_on(limited(3, 40));
    let path = database();
    let barrier = Barrier::new(4);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let store = Store::open(&path).unwrap();
                let work = async {
                    barrier.wait();
                    while rows_at(&path, "SELECT count(*) FROM tasks WHERE status = 'waiting'") > 0
                    {
                        if let Some(task) = acquire(&store).await {
                            assert!(rows_at(&path, RUNNING) <= 3);
                            let _ = end(&store, task).await;
                        }
                    }
                };
                Runtime::new().unwrap().block_on(work);
            });
        }
    });
}

fn rows_at(path: &std::path::Path, query: &str) -> i64 {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.query_one(query, [], |row| row.get(0)).unwrap()
}

/// Whoever makes room, with this store or in another process. The clock stands still: no alarm helps.
#[tokio::test]
async fn whoever_makes_room_wakes_an_engine() {
    let (store, clock) = store_with_clock();
    let other = Store::open_with_clock(database(), clock).unwrap();
    for by in [&store, &other] {
        for way in 0..4 {
            limit(&store, 1).await;
            create_tasks(&store, 3).await;
            let holder = Execution::of(acquire(by).await.unwrap());
            let registry = Registry::default().with_handler("test", Handler::new(|_| async {}));
            let engine = engine_with("other", 5, &store, registry);
            let engine = engine.start().await.unwrap();
            fall_asleep(&store).await;
            assert_eq!(rows(STATUSES), "running | 1\nwaiting | 2");
            match way {
                0 => drop(end(by, holder.task.clone()).await),
                1 => drop(by.limit_kind("test", NonZero::new(2)).await.unwrap()),
                2 => drop(by.limit_kind("test", None).await.unwrap()),
                _ => {
                    let put_back = by.end(&holder, Err("stop".into()), Next::PutBack);
                    let _ = put_back.await.unwrap();
                }
            }
            until(|| !rows(STATUSES).contains("waiting")).await;
            engine.shutdown().await.unwrap();
            connection().execute_batch("DELETE FROM tasks").unwrap();
        }
    }
}

#[tokio::test]
async fn a_kind_at_its_limit_costs_nothing() {
    let store = limited(1, 100).await;
    acquire(&store).await.unwrap();
    let registry = Registry::default().with_handler("test", Handler::new(|_| async {}));
    let engine = engine_with("other", 5, &store, registry);
    let engine = engine.start().await.unwrap();
    fall_asleep(&store).await;
    let asked = statements(&store, async {
        fall_asleep(&store).await;
        fall_asleep(&store).await;
    });
    let asked = asked.await;
    let acquisitions = asked.iter().filter(|sql| sql.contains("limited_kinds"));
    assert_eq!(acquisitions.count(), 0, "{asked:#?}");
    engine.shutdown().await.unwrap();
}

/// They are due: it is only for a while that they may not start.
#[tokio::test]
async fn drain_waits_for_those_that_may_not_start_yet() {
    let store = limited(1, 3).await;
    let holder = acquire(&store).await.unwrap();
    let registry = Registry::default().with_handler("test", Handler::new(|_| async {}));
    let engine = engine_with("other", 5, &store, registry);
    let engine = engine.start().await.unwrap();
    let mut drained = tokio::spawn(engine.drain());
    fall_asleep(&store).await;
    assert!(!drained.is_finished());
    let _ = end(&store, holder).await;
    let ended = timeout(Duration::from_mins(1), &mut drained).await;
    ended.expect("it ends").unwrap().unwrap();
    assert_eq!(rows(STATUSES), "stopped | 3");
}

/// An engine whose workers would all do the same: half of them are left to the others.
#[tokio::test]
async fn workers_are_left_to_the_other_kinds() {
    let store = limited(2, 5).await;
    let (handler, gate) = held();
    let registry = Registry::default()
        .with_handler("test", handler)
        .with_handler("other", Handler::new(|_| async {}));
    let engine = engine_with("test", 3, &store, registry);
    let engine = engine.start().await.unwrap();
    until(|| rows(RUNNING) == "2").await;
    for _ in 0..4 {
        let other = NewTask::new("other", json!({}));
        store.create(other).await.unwrap();
    }
    let others = "SELECT status, count(*) FROM tasks WHERE task_kind = 'other' GROUP BY 1";
    until(|| rows(others) == "stopped | 4").await;
    assert_eq!(rows(RUNNING), "2");
    gate.add_permits(5);
    engine.drain().await.unwrap();
    assert_eq!(rows(STATUSES), "stopped | 9");
}

#[tokio::test]
async fn limits_are_listed() {
    let store = limited(2, 3).await;
    acquire(&store).await.unwrap();
    store.limit_kind("mail", NonZero::new(7)).await.unwrap();
    let kinds = store.reader().kinds(&Registry::default()).await.unwrap();
    let kinds = kinds
        .iter()
        .map(|kind| (&*kind.kind, kind.running, kind.max_running));
    let kinds: Vec<_> = kinds.collect();
    assert_eq!(kinds, [("mail", 0, Some(7)), ("test", 1, Some(2))]);
    let listed = program(&["kinds"]);
    let (before, after) = listed.split_once("  oldest due ").unwrap();
    let (_, after) = after.split_once(" ago").unwrap();
    insta::assert_snapshot!(format!("{before}{after}"));
    let told = program(&["limit", "test", "2"]);
    assert!(told.contains("was limited so already"), "{told}");
    let told = program(&["limit", "test", "0"]);
    assert!(told.contains("invalid value '0'"), "{told}");
    let told = program(&["unlimit", "test"]);
    assert!(told.contains("isn't limited any more"), "{told}");
}

/// As many rows are read as tasks run, however many wait or have ended.
#[tokio::test]
async fn only_what_runs_is_counted() {
    let store = limited(2, 3).await;
    let mut asked = statements(&store, async {
        acquire(&store).await.unwrap();
    })
    .await;
    asked.retain(|sql| sql.contains("limited_kinds"));
    asked.dedup();
    insta::assert_snapshot!(plans(&asked));
}

/// Whoever writes it: nobody could read it, and all kinds would be hidden with it.
#[tokio::test]
async fn a_limit_is_one_that_can_be_read() {
    let _store = store();
    for max_running in [0_i64, 1 << 32, i64::MAX] {
        let insert = "INSERT INTO limited_kinds VALUES ('test', ?1)";
        let error = connection().execute(insert, [max_running]).unwrap_err();
        assert!(error.to_string().contains("running_limit"), "{error}");
    }
}
