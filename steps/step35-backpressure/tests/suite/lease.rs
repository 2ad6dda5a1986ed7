//! An engine that can't say that it is alive.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use step35_backpressure::{Config, Context, Engine, Handler, Registry, RunningEngine, Store};

use crate::common::{connection, create_tasks, log, new_task, rows, store, until};

const ENGINES: &str = "SELECT id, status FROM engines";
const TASKS: &str = "SELECT id, status, context FROM tasks";
const EXECUTIONS: &str = "SELECT status, error ->> 'message' FROM task_executions";

/// What has become of the first execution of a task that doesn't end; the others end at once.
#[derive(Clone, Default)]
struct Fate {
    started: Arc<AtomicU32>,
    /// When it was, in milliseconds.
    cut_short: Arc<AtomicI64>,
}

struct Note(Arc<AtomicI64>);

impl Drop for Note {
    fn drop(&mut self) {
        let now = Timestamp::now().as_millisecond();
        self.0.store(now, Ordering::SeqCst);
    }
}

impl Fate {
    fn handler(&self) -> Handler {
        let fate = self.clone();
        Handler::new(move |_| {
            let first = fate.started.fetch_add(1, Ordering::SeqCst) == 0;
            let note = first.then(|| Note(fate.cut_short.clone()));
            async move {
                if let Some(_note) = note {
                    pending::<()>().await;
                }
            }
        })
    }

    fn is_cut_short(&self) -> bool {
        self.cut_short.load(Ordering::SeqCst) > 0
    }
}

async fn start(store: &Store, handler: Handler, lease: Duration) -> RunningEngine {
    let config = Config {
        instance: "test".to_owned(),
        workers: 2,
        lease,
        ..Config::default()
    };
    let registry = Registry::default().with_handler("test", handler);
    let engine = Engine::new(store.clone(), registry, config);
    engine.start().await.unwrap()
}

/// Somebody has taken it for dead.
fn bury() {
    let dead = "UPDATE engines SET status = 'dead' WHERE status = 'alive'";
    connection().execute_batch(dead).unwrap();
}

#[tokio::test]
async fn one_that_is_dead_for_the_others_starts_again_under_another_number() {
    let store = store();
    create_tasks(&store, 1).await;
    let fate = Fate::default();
    let engine = start(&store, fate.handler(), Duration::from_secs(1)).await;
    until(|| rows(TASKS).contains("running")).await;

    bury();

    until(|| rows(TASKS) == "1 | stopped | {}").await;
    assert!(fate.is_cut_short());
    assert_eq!(rows(ENGINES), "1 | dead\n2 | alive");
    let lost = "engine 1 lost its lease while it executed this task";
    assert_eq!(
        rows(EXECUTIONS),
        format!("failure | {lost}\nsuccess | NULL")
    );
    engine.shutdown().await.unwrap();
    assert_eq!(rows(ENGINES), "1 | dead\n2 | stopped");
}

#[tokio::test]
async fn one_that_cannot_write_stops_its_tasks_before_others_may_take_them() {
    let store = store();
    create_tasks(&store, 1).await;
    let fate = Fate::default();
    let engine = start(&store, fate.handler(), Duration::from_secs(6)).await;
    until(|| rows(TASKS).contains("running")).await;
    let other = connection();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();

    until(|| fate.is_cut_short()).await;
    let end: i64 = rows("SELECT heartbeat_at + lease FROM engines")
        .parse()
        .unwrap();
    let cut_short = fate.cut_short.load(Ordering::SeqCst);
    assert!(cut_short < end, "{} ms too late", cut_short - end);
    other.execute_batch("COMMIT").unwrap();

    until(|| rows(TASKS) == "1 | stopped | {}").await;
    assert_eq!(rows(ENGINES), "1 | dead\n2 | alive");
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn one_that_was_asked_to_stop_does_not_start_again() {
    let store = store();
    create_tasks(&store, 1).await;
    let fate = Fate::default();
    let engine = start(&store, fate.handler(), Duration::from_millis(300)).await;
    until(|| rows(TASKS).contains("running")).await;

    engine.handle().stop();
    bury();
    engine.wait().await.unwrap();

    assert!(fate.is_cut_short());
    assert_eq!(rows(TASKS), "1 | waiting | {}");
    assert_eq!(rows(ENGINES), "1 | dead");
}

#[tokio::test]
async fn what_others_have_put_back_is_left_to_them() {
    let store = store();
    create_tasks(&store, 1).await;
    let fate = Fate::default();
    let engine = start(&store, fate.handler(), Duration::from_millis(300)).await;
    until(|| rows(TASKS).contains("running")).await;
    let taken = "UPDATE tasks SET engine_id = 1000;
                 INSERT INTO engines (id, name, host, pid, version, started_at, heartbeat_at, lease)
                 VALUES (1000, 'other', '', 1, '', 0, 0, 9223372036854775807);
                 UPDATE engines SET status = 'dead' WHERE id = 1";
    connection().execute_batch(taken).unwrap();

    until(|| rows(ENGINES).contains("1001 | alive")).await;

    assert_eq!(rows(TASKS), "1 | running | {}");
    assert!(fate.is_cut_short());
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn one_that_is_drained_ends_its_work_under_its_other_number() {
    let store = store();
    create_tasks(&store, 20).await;
    let fate = Fate::default();
    let engine = start(&store, fate.handler(), Duration::from_millis(300)).await;
    until(|| rows(TASKS).contains("running")).await;
    let drained = tokio::spawn(engine.drain());

    bury();
    drained.await.unwrap().unwrap();

    assert_eq!(rows(TASKS).matches("stopped").count(), 20);
    assert!(
        log().contains("lease lost: its tasks are cut short engine=1"),
        "{}",
        log()
    );
}

#[tokio::test]
async fn a_row_that_cannot_be_put_back_does_not_end_it() {
    let store = store();
    create_tasks(&store, 1).await;
    let fate = Fate::default();
    let engine = start(&store, fate.handler(), Duration::from_millis(300)).await;
    until(|| rows(TASKS).contains("running")).await;
    let trigger = "CREATE TRIGGER refuse BEFORE UPDATE ON tasks WHEN old.id = 1
                   BEGIN SELECT RAISE(ABORT, 'not this one'); END";
    connection().execute_batch(trigger).unwrap();

    bury();
    create_tasks(&store, 1).await;

    until(|| rows(TASKS).contains("2 | stopped")).await;
    assert!(rows(TASKS).contains("1 | running"));
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn one_that_has_been_dead_since_before_it_began_begins_again() {
    let store = store();
    let fate = Fate::default();
    let lease = Duration::from_millis(500);
    let busy = connection();
    busy.execute_batch("BEGIN IMMEDIATE").unwrap();
    let engine = start(&store, fate.handler(), lease).await;
    tokio::task::yield_now().await;
    // It has asked for its number, and has it once its lease is over.
    tokio::time::sleep(2 * lease).await;
    drop(busy);

    // On a busy machine, it may be late more than once.
    until(|| {
        let engines = rows(ENGINES);
        engines.starts_with("1 | dead\n2 | ") && engines.ends_with("alive")
    })
    .await;
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn one_that_is_drained_waits_for_what_its_tasks_create_afterwards() {
    let store = store();
    create_tasks(&store, 1).await;
    let started = Arc::new(AtomicU32::new(0));
    let count = started.clone();
    let handler = Handler::new(move |context: Context| {
        let number = count.fetch_add(1, Ordering::SeqCst);
        async move {
            match number {
                0 => pending().await,
                // Longer than it takes to look ten times whether all workers sleep.
                1 => {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    context.create(new_task()).await.unwrap();
                }
                _ => (),
            }
        }
    });
    let engine = start(&store, handler, Duration::from_millis(300)).await;
    until(|| rows(TASKS).contains("running")).await;
    let drained = tokio::spawn(engine.drain());

    bury();
    drained.await.unwrap().unwrap();

    assert_eq!(rows("SELECT status FROM tasks"), "stopped\nstopped");
}
