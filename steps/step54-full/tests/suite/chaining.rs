//! A worker ends its task and takes the next one in the same transaction.

use std::iter;
use std::num::NonZero;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::json;
use task_engine::{
    Acquired, Config, Ending, Engine, EngineHandle, Execution, Handler, Next, Priority, Registry,
    Selection, Store, Task, Which,
};
use tokio::sync::Semaphore;

use crate::common::{
    acquire, connection, create_tasks, database, drain, engine, engine_named, left, log, new_task,
    rows, statements, store, until,
};
use crate::notifications::fall_asleep;
use crate::recovery::store_with_clock;
use crate::throughput::{Busy, ask};

const STATUSES: &str = "SELECT status FROM tasks ORDER BY id";

fn selection() -> Selection {
    Selection {
        instance: "test".into(),
        engine: None,
        kinds: ["test".to_owned()].into(),
        taken: Arc::default(),
    }
}

/// The handle of an engine that nobody has asked to stop.
fn running(store: &Store) -> EngineHandle {
    engine(1, store, Handler::new(|_| async {})).handle()
}

async fn end_and_acquire(store: &Store, task: Task, next: Next) -> (Ending, Acquired) {
    let (store, handle) = (store.clone(), running(store));
    let execution = Execution::of(task);
    store
        .end_and_acquire(&execution, Ok(json!(null)), next, &selection(), handle)
        .await
        .unwrap()
}

/// What becomes of executions, a text a transaction, in their order.
fn transactions(asked: &[String]) -> Vec<String> {
    let (mut transactions, mut reads) = (vec![Vec::new()], 0);
    for sql in asked {
        // Another connection reads meanwhile, and undoes nothing.
        if sql == "BEGIN DEFERRED" {
            reads += 1;
        } else if sql == "ROLLBACK" && reads > 0 {
            reads -= 1;
        // Of what was done in it, and was undone, nothing is left.
        } else if sql.starts_with("ROLLBACK") {
            transactions.last_mut().unwrap().clear();
        } else if sql.starts_with("COMMIT") {
            transactions.push(Vec::new());
        }
        let done = [
            ("INSERT INTO task_executions", "begun"),
            ("UPDATE task_executions", "ended"),
        ];
        for (_, what) in done.iter().filter(|(sql_of, _)| sql.starts_with(sql_of)) {
            transactions.last_mut().unwrap().push(*what);
        }
    }
    transactions.retain(|done| !done.is_empty());
    transactions.iter().map(|done| done.join(", ")).collect()
}

#[tokio::test]
async fn one_task_after_the_other_costs_one_transaction_each() {
    let store = store();
    create_tasks(&store, 5).await;
    let asked = statements(&store, async {
        crate::common::run(&store, Handler::new(|_| async {})).await;
    });
    let found = transactions(&asked.await);

    let both = iter::repeat_n("ended, begun", 4);
    let expected: Vec<_> = iter::once("begun").chain(both).chain(["ended"]).collect();
    assert_eq!(found, expected);
    // No time passes between them: the transaction has one.
    let gaps = "SELECT count(*) FROM task_executions AS one JOIN task_executions AS next
                ON next.id = one.id + 1 AND next.started_at = one.stopped_at";
    assert_eq!(rows(gaps), "4");
}

/// A reader that looks between the two, in whatever process, sees neither or both.
#[tokio::test]
async fn nobody_sees_the_one_without_the_other() {
    let store = store();
    create_tasks(&store, 2).await;
    let first = acquire(&store).await.unwrap();
    let busy = Busy::keep(&store).await;
    let both = {
        let store = store.clone();
        ask(async move { Ok(end_and_acquire(&store, first, Next::Stopped).await) }).await
    };
    assert_eq!(rows(STATUSES), "running\nwaiting");
    busy.end().await.unwrap();
    let (ending, acquired) = both.await.unwrap();

    assert_eq!(ending, Ending::Ended);
    assert_eq!(acquired.task.unwrap().id, 2);
    assert_eq!(rows(STATUSES), "stopped\nrunning");
}

/// What is said of the next one isn't said by the execution of the one before.
#[tokio::test]
async fn the_log_tells_them_apart() {
    let store = store();
    create_tasks(&store, 3).await;
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON task_executions WHEN new.task_id = 2
                  BEGIN SELECT raise(ABORT, 'not today'); END;";
    connection().execute_batch(refuse).unwrap();
    drain(engine(1, &store, Handler::new(|_| async {})))
        .await
        .unwrap();

    let log = log();
    let told = log.lines().filter_map(|line| {
        let line = line.split_once("INFO ").or(line.split_once("ERROR "))?.1;
        let (span, message) = line.rsplit_once("}: ").unwrap_or(("", line));
        let message = message.split(" elapsed_ms").next()?;
        let span = span.split(" kind=").next()?;
        let ours = message.starts_with("task ");
        ours.then(|| format!("{span:<17} {}", message.split(": ").next().unwrap()))
    });
    insta::assert_snapshot!(told.collect::<Vec<_>>().join("\n"));
}

/// Whatever the trigger does, and when: each of both has its own fate, and is told.
#[tokio::test]
async fn what_is_wrong_with_one_is_no_harm_to_the_other() {
    // What a trigger refuses; what becomes of the two tasks; what is told of each, if something is.
    let ended = "task finished worker=0 task=1";
    let result = "task failed worker=0 task=1";
    let started = "task finished worker=0 task=2";
    let refused = "task can't be started worker=0";
    let cases = [
        (
            "BEFORE UPDATE ON task_executions WHEN new.task_id = 1 AND new.result NOT NULL",
            ["failed\nstopped"; 3],
            [result, started],
        ),
        (
            "BEFORE UPDATE ON task_executions WHEN new.task_id = 1",
            ["running\nstopped"; 3],
            ["task can't be ended worker=0 task=1", started],
        ),
        (
            "BEFORE UPDATE ON tasks WHEN new.id = 2 AND new.status = 'running'",
            ["stopped\nfailed", "stopped\nwaiting", "stopped\nwaiting"],
            [ended, refused],
        ),
        (
            "BEFORE UPDATE ON tasks WHEN new.id = 2",
            ["stopped\nwaiting"; 3],
            [ended, refused],
        ),
        (
            "BEFORE UPDATE ON tasks WHEN new.id = 2
             OR new.id = 1 AND new.status = 'stopped'",
            ["failed\nwaiting"; 3],
            [result, refused],
        ),
    ];
    let ways = [
        "SELECT raise(ABORT, 'not today')",
        "SELECT raise(ROLLBACK, 'not today')",
        // Not before the commit.
        "INSERT INTO unlucky VALUES (-1)",
    ];
    let unlucky = "CREATE TABLE unlucky
                   (task INTEGER REFERENCES tasks DEFERRABLE INITIALLY DEFERRED)";
    drop(store());
    connection().execute_batch(unlucky).unwrap();
    for (when, statuses, told) in cases {
        for (way, statuses) in ways.into_iter().zip(statuses) {
            let store = store();
            let seen = log().len();
            create_tasks(&store, 2).await;
            let trigger = format!("CREATE TRIGGER refuse {when} BEGIN {way}; END");
            connection().execute_batch(&trigger).unwrap();
            let running = engine(1, &store, Handler::new(|_| async {}));
            let handle = running.handle();
            let running = tokio::spawn(running.run());
            until(|| told.iter().all(|told| log()[seen..].contains(told))).await;

            assert_eq!(rows(STATUSES), statuses, "{trigger}\n{}", &log()[seen..]);
            connection()
                .execute_batch(
                    "DROP TRIGGER refuse; DELETE FROM tasks;
                     DELETE FROM sqlite_sequence WHERE name = 'tasks'",
                )
                .unwrap();
            handle.stop();
            running.await.unwrap().unwrap();
        }
    }
}

/// The engine can't go on; what its task did isn't lost.
#[tokio::test]
async fn an_error_that_stops_the_engine_does_not_undo_the_end() {
    let store = store();
    create_tasks(&store, 2).await;
    let handler = Handler::new(|_| async {
        // Not a refusal: it can't be executed at all.
        let broken = "CREATE TRIGGER broken AFTER INSERT ON task_executions
                      BEGIN INSERT INTO nowhere VALUES (new.id); END";
        connection().execute_batch(broken).unwrap();
    });
    let error = engine(1, &store, handler).run().await.unwrap_err();

    assert!(format!("{error:?}").contains("nowhere"), "{error:?}");
    assert_eq!(rows(STATUSES), "stopped\nwaiting");
    assert!(log().contains("task finished worker=0 task=1"), "{}", log());
}

/// Also if the stop comes while the end waits for its turn.
#[tokio::test]
async fn an_engine_that_is_asked_to_stop_takes_no_other() {
    for stops in [false, true] {
        let store = store();
        let ids = create_tasks(&store, 2).await;
        let first = acquire(&store).await.unwrap();
        let handle = running(&store);
        let busy = Busy::keep(&store).await;
        let both = {
            let (store, handle) = (store.clone(), handle.clone());
            ask(async move {
                let (execution, outcome) = (Execution::of(first), Ok(json!(null)));
                let (next, selection) = (Next::Stopped, selection());
                store
                    .end_and_acquire(&execution, outcome, next, &selection, handle)
                    .await
            })
            .await
        };
        if stops {
            handle.stop();
        }
        busy.end().await.unwrap();
        let (ending, acquired) = both.await.unwrap();

        assert_eq!(ending, Ending::Ended);
        let next = acquired.task.map(|task| task.id);
        assert_eq!(next, (!stops).then_some(ids[1]));
        connection().execute_batch("DELETE FROM tasks").unwrap();
    }
}

/// Nor if the end was refused, and both are done apart.
#[tokio::test]
async fn nor_does_it_once_its_end_was_refused() {
    let store = store();
    create_tasks(&store, 2).await;
    let refuse = "CREATE TRIGGER refuse BEFORE UPDATE ON task_executions WHEN new.result NOT NULL
                  BEGIN SELECT raise(ABORT, 'not today'); END";
    connection().execute_batch(refuse).unwrap();
    let handle = Arc::new(OnceLock::<EngineHandle>::new());
    let stop = handle.clone();
    let handler = Handler::new(move |_| {
        stop.get().unwrap().stop();
        async {}
    });
    let engine = engine(1, &store, handler);
    handle.set(engine.handle()).unwrap();
    engine.run().await.unwrap();

    assert_eq!(rows(STATUSES), "failed\nwaiting");
}

#[tokio::test]
async fn a_task_that_is_lost_is_no_reason_to_wait() {
    let (store, clock) = store_with_clock();
    create_tasks(&store, 2).await;
    let first = acquire(&store).await.unwrap();
    // What is put back now comes after the other one.
    clock.advance(Duration::from_millis(1));
    store.retry_stranded_tasks("test").await.unwrap();
    let (ending, acquired) = end_and_acquire(&store, first, Next::Stopped).await;

    assert_eq!(ending, Ending::Lost);
    assert_eq!(acquired.task.unwrap().id, 2);
    assert_eq!(rows(STATUSES), "waiting\nrunning");
}

#[tokio::test]
async fn a_cancelled_task_ends_as_one_and_the_next_begins() {
    let store = store();
    create_tasks(&store, 2).await;
    let first = acquire(&store).await.unwrap();
    let _ = store.cancel(Which::Task(1)).await.unwrap();
    let (ending, acquired) = end_and_acquire(&store, first, Next::Failed).await;

    assert_eq!(ending, Ending::Cancelled);
    assert_eq!(acquired.task.unwrap().id, 2);
    assert_eq!(rows(STATUSES), "cancelled\nrunning");
}

/// If it is due at once, and the first.
#[tokio::test]
async fn a_task_that_is_retried_may_be_the_next() {
    let store = store();
    create_tasks(&store, 1).await;
    let first = acquire(&store).await.unwrap();
    let execution = first.execution;
    let next = Next::RetryAt(store.now());
    let (ending, acquired) = end_and_acquire(&store, first, next).await;

    let again = acquired.task.unwrap();
    assert_eq!((ending, again.id, again.retries), (Ending::Ended, 1, 1));
    assert_ne!(again.execution, execution);
    let executions = "SELECT id, stopped_at NOT NULL FROM task_executions";
    assert_eq!(rows(executions), "1 | 1\n2 | 0");
}

#[tokio::test]
async fn a_kind_that_is_paused_meanwhile_is_not_acquired() {
    let store = store();
    create_tasks(&store, 2).await;
    let first = acquire(&store).await.unwrap();
    store.pause_kind("test").await.unwrap();
    let (_, acquired) = end_and_acquire(&store, first, Next::Stopped).await;
    assert_eq!(acquired, Acquired::default());
    assert_eq!(rows(STATUSES), "stopped\nwaiting");
}

/// The task that ends makes room for the one that begins, and for no other.
#[tokio::test]
async fn a_limit_is_kept_and_its_place_is_taken() {
    let store = store();
    let one = NonZero::new(1);
    store.limit_kind("test", one).await.unwrap();
    create_tasks(&store, 3).await;
    let mut task = acquire(&store).await.unwrap();
    assert!(acquire(&store).await.is_none());
    for id in [2, 3] {
        task = end_and_acquire(&store, task, Next::Stopped)
            .await
            .1
            .task
            .unwrap();
        assert_eq!(task.id, id);
        assert!(acquire(&store).await.is_none());
    }

    store.limit_kind("test", None).await.unwrap();
    store.limit_keys("test", one).await.unwrap();
    let of = |key: &str| new_task().concurrency_key(key);
    for key in ["a", "a", "b", "b"] {
        store.create(of(key)).await.unwrap();
    }
    // The first of each key; then each key's next one has its place.
    let mut running = vec![
        end_and_acquire(&store, task, Next::Stopped)
            .await
            .1
            .task
            .unwrap(),
    ];
    running.extend(acquire(&store).await);
    assert!(acquire(&store).await.is_none());
    let ids = |running: &[Task]| running.iter().map(|task| task.id).collect::<Vec<_>>();
    assert_eq!(ids(&running), [4, 6]);
    for _ in 0..2 {
        let ended = running.remove(0);
        running.extend(end_and_acquire(&store, ended, Next::Stopped).await.1.task);
        assert!(acquire(&store).await.is_none());
    }
    assert_eq!(ids(&running), [5, 7]);
}

/// Others of this kind, and of no other, may have waited for this end.
#[tokio::test]
async fn the_end_of_a_limited_task_wakes_a_worker_of_each_engine() {
    let store = store();
    store.limit_kind("test", NonZero::new(1)).await.unwrap();
    create_tasks(&store, 1).await;
    let first = acquire(&store).await.unwrap();
    let (executed, signal) = counter();
    let running = unwatched(
        "other",
        1,
        &store,
        Handler::new(move |_| {
            signal.add_permits(1);
            async {}
        }),
    );
    let handle = running.handle();
    let running = tokio::spawn(running.run());
    create_tasks(&store, 1).await;
    fall_asleep(&store).await;

    // Of a kind that isn't there: this engine takes nothing.
    let selection = Selection {
        kinds: [].into(),
        ..selection()
    };
    let execution = Execution::of(first);
    let both = store.end_and_acquire(
        &execution,
        Ok(json!(null)),
        Next::Stopped,
        &selection,
        handle.clone(),
    );
    assert_eq!(both.await.unwrap().1, Acquired::default());
    counted(&executed, 1).await;
    until(|| left().is_empty()).await;
    handle.stop();
    running.await.unwrap().unwrap();
}

fn counter() -> (Arc<Semaphore>, Arc<Semaphore>) {
    let counter = Arc::new(Semaphore::new(0));
    (counter.clone(), counter)
}

/// Waits for so many of them, but not for ever.
async fn counted(counter: &Semaphore, count: u32) {
    until(|| counter.available_permits() >= count as usize).await;
    counter.acquire_many(count).await.unwrap().forget();
}

/// An engine that nothing wakes but this store, and its own alarm.
fn unwatched(instance: &str, workers: u16, store: &Store, handler: Handler) -> Engine {
    let hour = Duration::from_hours(1);
    let config = Config {
        instance: instance.to_owned(),
        workers,
        watch_interval: hour,
        wake_up_interval: hour,
        ..Config::default()
    };
    let registry = Registry::default().with_handler("test", handler);
    Engine::new(store.clone(), registry, config)
}

/// Nothing has told the second worker of its task: the first one has found it.
#[tokio::test]
async fn what_is_due_behind_the_next_one_wakes_another_worker() {
    let store = store();
    create_tasks(&store, 1).await;
    let (begun, begins) = counter();
    let gate = Arc::new(Semaphore::new(0));
    let door = gate.clone();
    let handler = Handler::new(move |_| {
        begins.add_permits(1);
        let door = door.clone();
        async move { door.acquire().await.unwrap().forget() }
    });
    let running = unwatched("test", 2, &store, handler);
    let handle = running.handle();
    let running = tokio::spawn(running.run());
    counted(&begun, 1).await;
    fall_asleep(&store).await;
    // Another process, as it were.
    create_tasks(&Store::open(database()).unwrap(), 2).await;
    gate.add_permits(1);

    // Both run at once.
    counted(&begun, 2).await;
    gate.add_permits(2);
    until(|| left().is_empty()).await;
    handle.stop();
    running.await.unwrap().unwrap();
}

/// Between the look that finds nothing and the sleep, there is no moment at which a task is missed.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_task_is_missed_by_a_worker_that_falls_asleep() {
    let store = store();
    let (executed, signal) = counter();
    let running = unwatched(
        "test",
        1,
        &store,
        Handler::new(move |_| {
            signal.add_permits(1);
            async {}
        }),
    );
    let handle = running.handle();
    let running = tokio::spawn(running.run());
    for _ in 0..200 {
        // It comes while the one before it ends, most of the time.
        create_tasks(&store, 1).await;
        counted(&executed, 1).await;
    }
    handle.stop();
    running.await.unwrap().unwrap();
    assert_eq!(left(), "");
}

/// An end that is refused costs its task no turn more.
#[tokio::test]
async fn the_patience_of_the_others_has_its_turn() {
    let store = store();
    let prioritized = |priority| new_task().priority(priority);
    store.create(prioritized(Priority::Low)).await.unwrap();
    for _ in 0..20 {
        store.create(prioritized(Priority::High)).await.unwrap();
    }
    let refuse = "CREATE TRIGGER refuse BEFORE UPDATE ON task_executions WHEN new.result NOT NULL
                  BEGIN SELECT raise(ABORT, 'not today'); END";
    connection().execute_batch(refuse).unwrap();
    drain(engine(1, &store, Handler::new(|_| async {})))
        .await
        .unwrap();

    assert_eq!(
        rows("SELECT id FROM task_executions WHERE task_id = 1"),
        "10"
    );
}

/// Each once, and never more at once than may, in two engines that don't know each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_engines_lose_nothing_and_take_nothing_twice() {
    const TASKS: usize = 200;
    let store = store();
    store.limit_kind("test", NonZero::new(3)).await.unwrap();
    create_tasks(&store, TASKS).await;
    let (now, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let handler = Handler::new(move |_| {
        let (now, most) = (now.clone(), most.clone());
        async move {
            let running = now.fetch_add(1, Ordering::SeqCst) + 1;
            most.fetch_max(running, Ordering::SeqCst);
            tokio::task::yield_now().await;
            now.fetch_sub(1, Ordering::SeqCst);
            assert!(most.load(Ordering::SeqCst) <= 3, "too many at once");
        }
    });
    let other = Store::open(database()).unwrap();
    let engines = [("one", &store), ("two", &other)];
    let engines = engines.map(|(name, store)| engine_named(name, 4, store, handler.clone()));
    let all = engines.each_ref().map(Engine::handle);
    let running = engines.map(|engine| tokio::spawn(engine.run()));
    until(|| left().is_empty()).await;
    all.iter().for_each(EngineHandle::stop);
    for running in running {
        running.await.unwrap().unwrap();
    }

    let once = "SELECT count(*), count(DISTINCT task_id) FROM task_executions
                WHERE status = 'success'";
    assert_eq!(rows(once), format!("{TASKS} | {TASKS}"));
}

/// Wherever a worker was when it was dropped, it leaves one task at most.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_worker_that_is_dropped_leaves_one_task_at_most() {
    for tasks in 1..=20 {
        let store = store();
        create_tasks(&store, 50).await;
        let (executed, signal) = counter();
        let running = tokio::spawn(
            engine(
                3,
                &store,
                Handler::new(move |_| {
                    signal.add_permits(1);
                    async {}
                }),
            )
            .run(),
        );
        counted(&executed, tasks).await;
        running.abort();
        let _ = running.await;
        // No worker is left, on whatever thread it was; and what was asked for is done.
        until(|| Arc::strong_count(&executed) == 1).await;
        store.transaction(|_| Ok(())).await.unwrap();

        let running = rows("SELECT count(*) FROM tasks WHERE status = 'running'");
        let open = rows("SELECT count(*) FROM task_executions WHERE stopped_at IS NULL");
        assert_eq!(running, open);
        assert!(["0", "1", "2", "3"].contains(&&*running), "{running}");
        connection().execute_batch("DELETE FROM tasks").unwrap();
    }
}
