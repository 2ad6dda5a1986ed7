//! Short tasks are acquired ahead, and end behind.

use std::num::NonZero;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use step47_prefetch::{
    Config, Engine, EngineHandle, Handler, Priority, Rate, Registry, RetryPolicy, Store, Tx, Which,
};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::common::{connection, create_tasks, engine, left, log, new_task, rows, store, until};
use crate::notifications::fall_asleep;

const RUNNING: &str =
    "SELECT group_concat(id, ' ' ORDER BY id) FROM tasks WHERE status = 'running'";
const WAITING: &str =
    "SELECT group_concat(id, ' ' ORDER BY id) FROM tasks WHERE status = 'waiting'";
const EXECUTED: &str = "SELECT count(*), count(DISTINCT task_id) FROM task_executions";

/// The fourth task is acquired with the three that follow, once one, then two have been short.
const LONG: i64 = 4;

/// Longer than any test.
const HOUR: Duration = Duration::from_hours(1);

fn engine_ahead(ahead: Duration, workers: u16, store: &Store, handler: Handler) -> Engine {
    engine_leased(Duration::from_mins(1), ahead, workers, store, handler)
}

fn engine_leased(
    lease: Duration,
    ahead: Duration,
    workers: u16,
    store: &Store,
    handler: Handler,
) -> Engine {
    let config = Config {
        instance: "ahead".to_owned(),
        workers,
        ahead,
        lease,
        retry_policy: RetryPolicy::never(),
        ..Config::default()
    };
    let registry = Registry::default()
        .with_handler("test", handler.clone())
        .with_handler("email", handler);
    Engine::new(store.clone(), registry, config)
}

/// An engine of one worker, which executes one long task among short ones.
struct Long {
    /// The tasks that were begun, in their order.
    begun: Arc<Mutex<Vec<i64>>>,
    gate: Arc<Semaphore>,
    handle: EngineHandle,
    running: JoinHandle<Result<(), step47_prefetch::Error>>,
}

impl Long {
    /// Waits until the long one runs.
    async fn begin(store: &Store, ahead: Duration) -> Self {
        Self::begin_leased(store, ahead, Duration::from_mins(1)).await
    }

    async fn begin_leased(store: &Store, ahead: Duration, lease: Duration) -> Self {
        let (begun, gate) = (
            Arc::new(Mutex::new(Vec::new())),
            Arc::new(Semaphore::new(0)),
        );
        let (trace, door) = (begun.clone(), gate.clone());
        let handler = Handler::new(move |context| {
            let id = context.task.id;
            trace.lock().unwrap().push(id);
            let door = door.clone();
            async move {
                if id == LONG {
                    tokio::select! {
                        door = door.acquire() => door.unwrap().forget(),
                        () = context.cancelled() => (),
                    }
                }
            }
        });
        let engine = engine_leased(lease, ahead, 1, store, handler);
        let handle = engine.handle();
        let running = tokio::spawn(engine.run());
        let long = Self {
            begun,
            gate,
            handle,
            running,
        };
        until(|| long.begun().contains(&LONG)).await;
        long
    }

    fn begun(&self) -> Vec<i64> {
        self.begun.lock().unwrap().clone()
    }

    /// Lets it end, and all the others.
    async fn end(self) -> Vec<i64> {
        self.gate.add_permits(1);
        until(|| left().is_empty()).await;
        self.stop().await
    }

    async fn stop(self) -> Vec<i64> {
        self.handle.stop();
        self.running.await.unwrap().unwrap();
        self.begun.lock().unwrap().clone()
    }
}

#[tokio::test(start_paused = true)]
async fn as_many_are_acquired_ahead_as_were_short() {
    let store = store();
    create_tasks(&store, 20).await;
    let long = Long::begin(&store, HOUR).await;
    assert_eq!(rows(RUNNING), "4 5 6 7");
    until(|| rows("SELECT count(*) FROM tasks WHERE status = 'stopped'") == "3").await;
    let begun = long.end().await;

    assert_eq!(begun, (1..=20).collect::<Vec<_>>());
    assert_eq!(rows(EXECUTED), "20 | 20");
    let told = |count| log().contains(&format!("tasks acquired ahead worker=0 count={count}"));
    assert!(told(1) && told(3) && told(7), "{}", log());
}

/// So many may be executed twice, once the engine was killed.
#[tokio::test(start_paused = true)]
async fn no_more_than_256_are_held() {
    let store = store();
    let create = |tx: &Tx| (0..1100).try_for_each(|_| tx.create(new_task()).map(drop));
    store.transaction(create).await.unwrap();
    let engine = engine_ahead(HOUR, 1, &store, Handler::new(|_| async {}));
    engine.start().await.unwrap().drain().await.unwrap();
    assert_eq!(rows(EXECUTED), "1100 | 1100");
    // And the one that is executed.
    let told = |count| log().contains(&format!("tasks acquired ahead worker=0 count={count}"));
    assert!(told(127) && told(255) && !told(511));
}

/// What wakes it may take long.
#[tokio::test(start_paused = true)]
async fn a_worker_that_has_slept_begins_with_one() {
    let store = store();
    create_tasks(&store, 3).await;
    let others = async {
        until(|| left().is_empty()).await;
        fall_asleep(&store).await;
        let create = |tx: &Tx| (0..7).try_for_each(|_| tx.create(new_task()).map(drop));
        store.transaction(create).await.unwrap();
    };
    let (long, ()) = tokio::join!(Long::begin(&store, HOUR), others);
    assert_eq!(rows(RUNNING), "4");
    assert_eq!(long.end().await, (1..=10).collect::<Vec<_>>());
}

/// Neither by default, nor of tasks that take longer than a quarter of the time.
#[tokio::test]
async fn nothing_is_acquired_ahead_of_a_long_one() {
    let store = store();
    for ahead in [Duration::ZERO, Duration::from_nanos(1)] {
        let handler = Handler::new(|context| async move {
            assert_eq!(rows(RUNNING), context.task.id.to_string());
        });
        create_tasks(&store, 10).await;
        let running = engine_ahead(ahead, 1, &store, handler);
        running.start().await.unwrap().drain().await.unwrap();
    }
    assert_eq!(rows("SELECT DISTINCT status FROM tasks"), "stopped");
}

/// As if they hadn't been acquired, but for the date of the change.
#[tokio::test(start_paused = true)]
async fn what_waits_too_long_is_given_back_to_others() {
    let tasks = "SELECT id, scheduled_at, context, priority, cancel_requested_at FROM tasks
                 WHERE id > 4 ORDER BY id";
    let store = store();
    create_tasks(&store, 10).await;
    let before = rows(tasks);
    let long = Long::begin(&store, Duration::from_millis(50)).await;
    until(|| rows(WAITING) == "5 6 7 8 9 10").await;
    assert_eq!(rows(tasks), before);
    assert_eq!(rows(EXECUTED), "4 | 4");
    assert_eq!(
        rows("SELECT instance, engine_id FROM tasks WHERE id = 5"),
        "NULL | NULL"
    );
    until(|| log().contains("INFO tasks given back worker=0 count=3")).await;

    // The other one is free, and has them.
    let other = engine(1, &store, Handler::new(|_| async {}));
    other.start().await.unwrap().drain().await.unwrap();
    assert_eq!(
        rows("SELECT DISTINCT instance FROM tasks WHERE id > 4"),
        "test"
    );
    assert_eq!(long.end().await, [1, 2, 3, 4]);
    assert_eq!(rows(EXECUTED), "10 | 10");
}

/// After that, one at a time, until some are short again.
#[tokio::test(start_paused = true)]
async fn what_was_long_is_remembered() {
    let store = store();
    create_tasks(&store, 10).await;
    let long = Long::begin(&store, Duration::from_millis(50)).await;
    until(|| rows(WAITING) == "5 6 7 8 9 10").await;
    let seen = log().len();
    assert_eq!(long.end().await, (1..=10).collect::<Vec<_>>());
    let told = log().split_off(seen);
    assert!(!told.contains("ahead worker=0 count=3"), "{told}");
    assert!(told.contains("ahead worker=0 count=1"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_stops_gives_back_what_waits_in_it() {
    let store = store();
    create_tasks(&store, 10).await;
    let long = Long::begin(&store, HOUR).await;
    long.handle.stop();
    // The long one runs.
    until(|| rows(WAITING) == "5 6 7 8 9 10").await;
    assert_eq!(rows(RUNNING), "4");
    long.gate.add_permits(1);
    assert_eq!(long.stop().await, [1, 2, 3, 4]);
    assert_eq!(
        rows("SELECT count(*) FROM tasks WHERE status = 'stopped'"),
        "4"
    );
    assert_eq!(rows(EXECUTED), "4 | 4");
}

#[tokio::test(start_paused = true)]
async fn what_is_cancelled_while_it_waits_is_not_begun() {
    let store = store();
    create_tasks(&store, 10).await;
    let long = Long::begin(&store, HOUR).await;
    let cancelled = store.cancel(Which::Kind("test".to_owned())).await.unwrap();
    assert_eq!((cancelled.waiting, cancelled.running), (3, 4));
    // The long one ends because it is told: so the engine knows.
    until(|| left().is_empty()).await;
    assert_eq!(long.stop().await, [1, 2, 3, 4]);
    let statuses = "SELECT status, count(*) FROM tasks GROUP BY status";
    assert_eq!(rows(statuses), "cancelled | 6\nstopped | 4");
    assert_eq!(rows(EXECUTED), "4 | 4");
}

/// It would take the place of a task that could run, or a start that it doesn't make; and whoever
/// looks for one of another kind would pass over it, when it is the turn of the oldest one.
#[tokio::test(start_paused = true)]
async fn nothing_is_acquired_ahead_while_a_kind_is_limited() {
    let five = NonZero::new(5);
    let rate = Rate {
        starts: five.unwrap(),
        period: HOUR,
    };
    for limited in ["kind", "key", "rate"] {
        let store = store();
        match limited {
            "kind" => store.limit_kind("email", five).await.unwrap(),
            "key" => store.limit_keys("email", five).await.unwrap(),
            _ => store.rate_kind("email", Some(rate)).await.unwrap(),
        };
        create_tasks(&store, 10).await;
        let long = Long::begin(&store, HOUR).await;
        assert_eq!(rows(RUNNING), "4", "{limited}");
        assert_eq!(long.end().await, (1..=10).collect::<Vec<_>>());
        assert_eq!(rows(EXECUTED), "10 | 10");
        let reset = "DELETE FROM tasks; DELETE FROM sqlite_sequence; DELETE FROM limited_kinds;
                     DELETE FROM limited_keys";
        connection().execute_batch(reset).unwrap();
    }
}

/// Another program writes meanwhile, and the code has had its time.
#[tokio::test(start_paused = true)]
async fn a_task_is_cut_short_in_time_while_others_are_given_back() {
    let store = store();
    for _ in 0..7 {
        let task = new_task().timeout(Duration::from_secs(2));
        store.create(task).await.unwrap();
    }
    let long = Long::begin(&store, Duration::from_secs(1)).await;
    let other = connection();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    until(|| log().contains("task is asked to stop worker=0 task=4")).await;
    assert!(!log().contains("tasks given back"), "{}", log());
    other.execute_batch("COMMIT").unwrap();
    until(|| log().contains("tasks given back")).await;
    long.end().await;
}

#[tokio::test(start_paused = true)]
async fn they_may_wait_for_ever() {
    let store = store();
    create_tasks(&store, 10).await;
    let long = Long::begin(&store, Duration::MAX).await;
    assert_eq!(rows(RUNNING), "4 5 6 7");
    assert_eq!(long.end().await, (1..=10).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn one_of_a_limited_kind_is_not_acquired_to_be_given_back() {
    let store = store();
    store.limit_kind("test", NonZero::new(5)).await.unwrap();
    create_tasks(&store, 10).await;
    let note = "CREATE TABLE acquired (task);
                CREATE TRIGGER note AFTER UPDATE ON tasks WHEN new.status = 'running'
                BEGIN INSERT INTO acquired VALUES (new.id); END";
    connection().execute_batch(note).unwrap();
    Long::begin(&store, HOUR).await.end().await;
    assert_eq!(rows("SELECT count(*) FROM acquired"), "10");
}

/// One turn in ten is that of the oldest, however many are acquired at once.
#[tokio::test(start_paused = true)]
async fn the_patience_of_the_others_has_its_turn() {
    let store = store();
    store
        .create(new_task().priority(Priority::Low))
        .await
        .unwrap();
    for _ in 0..30 {
        store
            .create(new_task().priority(Priority::High))
            .await
            .unwrap();
    }
    let long = Long::begin(&store, HOUR).await;
    long.end().await;
    assert_eq!(
        rows("SELECT id FROM task_executions WHERE task_id = 1"),
        "10"
    );
}

/// It isn't waited for; but it is dealt with.
#[tokio::test(start_paused = true)]
async fn an_end_that_is_refused_has_its_own_fate() {
    let store = store();
    create_tasks(&store, 10).await;
    let refuse = "CREATE TRIGGER refuse BEFORE UPDATE ON task_executions
                  WHEN new.task_id = 5 AND new.result NOT NULL
                  BEGIN SELECT raise(ABORT, 'not today'); END";
    connection().execute_batch(refuse).unwrap();
    Long::begin(&store, HOUR).await.end().await;
    let failed = "SELECT group_concat(id) FROM tasks WHERE status = 'failed'";
    assert_eq!(rows(failed), "5");
    assert!(log().contains("the result can't be kept"), "{}", log());
    assert_eq!(rows(EXECUTED), "10 | 10");
}

#[tokio::test(start_paused = true)]
async fn an_end_behind_that_cannot_be_written_stops_the_engine() {
    let store = store();
    create_tasks(&store, 10).await;
    // Not a refusal: it can't be executed at all.
    let broken = "CREATE TRIGGER broken AFTER UPDATE ON task_executions WHEN new.task_id = 5
                  BEGIN INSERT INTO nowhere VALUES (new.id); END";
    let long = Long::begin(&store, HOUR).await;
    connection().execute_batch(broken).unwrap();
    long.gate.add_permits(1);
    let error = long.running.await.unwrap().unwrap_err();
    assert!(format!("{error:?}").contains("nowhere"), "{error:?}");
    // What it had acquired meanwhile is left for others.
    assert_eq!(rows(WAITING), "NULL");
    assert_eq!(rows(EXECUTED), "10 | 10");
}

/// The others go on.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_given_back_stays_as_it_is() {
    let store = store();
    create_tasks(&store, 10).await;
    let refuse = "CREATE TRIGGER refuse BEFORE DELETE ON task_executions
                  BEGIN SELECT raise(ABORT, 'not today'); END";
    connection().execute_batch(refuse).unwrap();
    let long = Long::begin(&store, Duration::from_millis(50)).await;
    until(|| log().contains("tasks can't be given back worker=0 count=3")).await;
    long.gate.add_permits(1);
    until(|| long.begun().len() == 7).await;
    assert_eq!(long.stop().await, [1, 2, 3, 4, 8, 9, 10]);
    assert_eq!(rows(RUNNING), "5 6 7");
}

/// Nothing else tells the worker.
#[tokio::test]
async fn a_task_that_fails_and_is_due_at_once_is_seen() {
    let store = store();
    create_tasks(&store, 1).await;
    let handler = Handler::new(|context| async move {
        assert!(context.task.retries == 3, "not yet");
    });
    let mut config = Config {
        instance: "ahead".to_owned(),
        workers: 1,
        ahead: HOUR,
        watch_interval: HOUR,
        wake_up_interval: HOUR,
        ..Config::default()
    };
    config.retry_policy.first_delay = Duration::ZERO;
    let registry = Registry::default().with_handler("test", handler);
    let engine = Engine::new(store.clone(), registry, config).start();
    let engine = engine.await.unwrap();
    until(|| left().is_empty()).await;
    engine.shutdown().await.unwrap();
    assert_eq!(rows("SELECT status FROM tasks"), "stopped");
    assert_eq!(rows(EXECUTED), "4 | 1");
}

/// The tasks that waited in it are executed by its next start, or by others.
#[tokio::test]
async fn an_engine_that_loses_its_lease_forgets_what_waits_in_it() {
    let store = store();
    create_tasks(&store, 10).await;
    let long = Long::begin_leased(&store, HOUR, Duration::from_millis(1500)).await;
    connection()
        .execute_batch("UPDATE engines SET status = 'dead'")
        .unwrap();
    until(|| log().contains("lease lost")).await;
    let mut begun = long.end().await;
    begun.sort_unstable();
    assert_eq!(begun, [1, 2, 3, 4, 4, 5, 6, 7, 8, 9, 10]);
    let once = "SELECT count(*) FROM task_executions WHERE status = 'success'";
    assert_eq!(rows(once), "10");
    // That is no crash of theirs.
    assert_eq!(
        rows("SELECT count(*) FROM tasks WHERE context ->> 'crash_number' NOT NULL"),
        "0"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_forgotten_nor_executed_twice() {
    const TASKS: usize = 300;
    let store = store();
    create_tasks(&store, TASKS).await;
    let handler = Handler::new(|_| async {});
    let engines = [50, 5].map(|workers| engine_ahead(HOUR, workers, &store, handler.clone()));
    for engine in engines {
        // Of the second one, some of the tasks are left when it is asked to stop.
        let engine = engine.start().await.unwrap();
        engine.drain().await.unwrap();
        assert_eq!(left(), "");
        create_tasks(&store, TASKS).await;
    }
    let engine = engine_ahead(HOUR, 5, &store, handler)
        .start()
        .await
        .unwrap();
    until(|| rows(WAITING).len() < 500).await;
    engine.shutdown().await.unwrap();
    assert_eq!(rows(RUNNING), "NULL");
    let open = "SELECT count(*) FROM task_executions WHERE status <> 'success'";
    assert_eq!(rows(open), "0");
    let ended = "SELECT (SELECT count(*) FROM tasks WHERE status = 'stopped')
                 = (SELECT count(DISTINCT task_id) FROM task_executions)
                 AND (SELECT count(DISTINCT task_id) = count(*) FROM task_executions)";
    assert_eq!(rows(ended), "1");
}
