//! The tasks of an engine that is dead are executed again.

use std::future::pending;
use std::time::Duration;

use jiff::Timestamp;
use step50_command::{Clock, Handler, RetryPolicy, Store};

use crate::common::{connection, create_tasks, database, engine, rows, statements, store, until};
use crate::monitoring::plans;
use crate::notifications::fall_asleep;

const TASKS: &str = "SELECT id, status, engine_id, context FROM tasks";

/// A store whose clock is at 1000 seconds, and moves when it is told to.
pub fn store_with_clock() -> (Store, Clock) {
    store();
    let clock = Clock::manual(Timestamp::from_second(1000).unwrap());
    let store = Store::open_with_clock(database(), clock.clone()).unwrap();
    (store, clock)
}

/// An engine that has said nothing since this second, and the tasks that it ran.
pub async fn silent_engine(store: &Store, since: i64, tasks: usize) -> Vec<i64> {
    let tasks = create_tasks(store, tasks).await;
    let insert = format!(
        "INSERT INTO engines (id, name, host, pid, version, started_at, heartbeat_at, lease)
         VALUES (1000, 'gone', '', 1, '', 0, {since}000, 30000);
         UPDATE tasks SET status = 'running', instance = 'gone',
         engine_id = (SELECT max(id) FROM engines) WHERE status = 'waiting';
         INSERT INTO task_executions (task_id, started_at, created_at, updated_at)
         SELECT id, 0, 0, 0 FROM tasks WHERE status = 'running'"
    );
    connection().execute_batch(&insert).unwrap();
    tasks
}

/// Lets an engine that executes nothing itself look after the others, until this is true.
pub async fn observe(store: &Store, clock: &Clock, condition: impl FnMut() -> bool) {
    observe_with(store, clock, Handler::new(|_| async {}), condition).await;
}

async fn observe_with(
    store: &Store,
    clock: &Clock,
    handler: Handler,
    mut condition: impl FnMut() -> bool,
) {
    let engine = engine(0, store, handler).start().await.unwrap();
    until(|| {
        clock.advance(Duration::from_secs(10));
        condition()
    })
    .await;
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn they_are_put_back_and_the_crash_is_counted() {
    let (store, clock) = store_with_clock();
    silent_engine(&store, 900, 2).await;

    observe(&store, &clock, || !rows(TASKS).contains("running")).await;

    let crashed = r#"waiting | NULL | {"crash_number":1}"#;
    assert_eq!(rows(TASKS), format!("1 | {crashed}\n2 | {crashed}"));
    let due = "SELECT count(*) FROM tasks WHERE scheduled_at = updated_at";
    assert_eq!(rows(due), "2");
    assert_eq!(
        rows("SELECT status FROM engines WHERE name = 'gone'"),
        "dead"
    );
    let executions =
        "SELECT DISTINCT status, stopped_at NOT NULL, error ->> 'type', error ->> 'message'
                      FROM task_executions";
    insta::assert_snapshot!(rows(executions), @r#"failure | 1 | crash | engine 1000, "gone", died while it executed this task"#);
}

#[tokio::test]
async fn those_that_must_not_run_twice_have_failed() {
    let (store, clock) = store_with_clock();
    silent_engine(&store, 900, 1).await;

    let once = Handler::new(|_| async {}).retried(RetryPolicy {
        max_crashes: 0,
        ..RetryPolicy::default()
    });
    observe_with(&store, &clock, once, || !rows(TASKS).contains("running")).await;

    assert_eq!(rows(TASKS), r#"1 | failed | NULL | {"crash_number":1}"#);
}

#[tokio::test]
async fn one_that_is_there_each_time_an_engine_dies_has_failed() {
    let (store, clock) = store_with_clock();
    silent_engine(&store, 900, 1).await;
    let context = "UPDATE tasks SET context = '{\"crash_number\":3}'";
    connection().execute_batch(context).unwrap();

    observe(&store, &clock, || !rows(TASKS).contains("running")).await;

    assert_eq!(rows(TASKS), r#"1 | failed | NULL | {"crash_number":4}"#);
}

#[tokio::test]
async fn those_of_unknown_kinds_are_left_to_others() {
    let (store, clock) = store_with_clock();
    silent_engine(&store, 900, 3).await;
    let kind = "UPDATE tasks SET task_kind = 'strange' WHERE id = 2";
    connection().execute_batch(kind).unwrap();

    observe(&store, &clock, || {
        rows(TASKS).matches("waiting").count() == 2
    })
    .await;

    assert!(rows(TASKS).contains("2 | running | 1000 | {}"));
}

#[tokio::test]
async fn they_are_put_back_a_batch_at_a_time() {
    let (store, clock) = store_with_clock();
    silent_engine(&store, 900, 450).await;

    let statements = statements(&store, async {
        observe(&store, &clock, || !rows(TASKS).contains("running")).await;
    });
    let statements = statements.await;

    let beginnings = statements.iter().enumerate();
    let beginnings: Vec<_> = beginnings
        .filter(|(_, sql)| sql.starts_with("BEGIN"))
        .map(|(index, _)| index)
        .collect();
    let longest = beginnings.windows(2).map(|pair| pair[1] - pair[0]).max();
    assert!(longest.unwrap() < 1500, "{longest:?}");
}

#[tokio::test]
async fn one_that_cannot_be_put_back_is_in_nobody_s_way() {
    let (store, clock) = store_with_clock();
    silent_engine(&store, 900, 3).await;
    let trigger = "CREATE TRIGGER refuse BEFORE UPDATE ON tasks WHEN old.id = 2
                   BEGIN SELECT RAISE(ABORT, 'not this one'); END";
    connection().execute_batch(trigger).unwrap();

    observe(&store, &clock, || {
        rows(TASKS).matches("waiting").count() == 2
    })
    .await;

    assert!(rows(TASKS).contains("2 | running | 1000 | {}"));
}

#[tokio::test]
async fn an_engine_that_was_forgotten_is_dead() {
    let (store, clock) = store_with_clock();
    silent_engine(&store, 900, 1).await;
    connection().execute_batch("DELETE FROM engines").unwrap();

    observe(&store, &clock, || !rows(TASKS).contains("running")).await;
}

#[tokio::test]
async fn a_clock_that_is_set_kills_nobody() {
    let (store, clock) = store_with_clock();
    create_tasks(&store, 2).await;
    let handler = || Handler::new(|_| pending::<()>());
    let first = engine(1, &store, handler()).start().await.unwrap();
    let second = engine(1, &store, handler()).start().await.unwrap();
    until(|| rows(TASKS).matches("running").count() == 2).await;
    let before = rows(TASKS);

    for _ in 0..50 {
        clock.advance(Duration::from_hours(1));
        let now = clock.now().as_millisecond();
        let beaten = format!("SELECT count(*) FROM engines WHERE heartbeat_at = {now}");
        until(|| rows(&beaten) == "2").await;
    }

    assert_eq!(rows("SELECT status FROM engines"), "alive\nalive");
    assert_eq!(rows(TASKS), before);
    drop((first, second));
}

#[tokio::test]
async fn nor_one_whose_next_beat_is_late() {
    let (store, clock) = store_with_clock();
    silent_engine(&store, 1000, 1).await;
    let observer = engine(0, &store, Handler::new(|_| async {}));
    let observer = observer.start().await.unwrap();
    let after = async |seconds| {
        clock.advance(Duration::from_secs(seconds));
        fall_asleep(&store).await;
    };

    after(0).await;
    after(3600).await;
    // It beats every ten seconds.
    after(12).await;
    let beat = "UPDATE engines SET heartbeat_at = 4612000 WHERE id = 1000 AND status = 'alive'";
    connection().execute_batch(beat).unwrap();
    after(8).await;

    assert_eq!(rows("SELECT status FROM engines WHERE id = 1000"), "alive");
    observer.shutdown().await.unwrap();
}

#[tokio::test]
async fn the_tasks_of_the_living_are_not_read() {
    let (store, clock) = store_with_clock();
    silent_engine(&store, 900, 1).await;
    let statements = statements(&store, async {
        observe(&store, &clock, || !rows(TASKS).contains("running")).await;
    });
    let mut recovery = statements.await;
    recovery.retain(|sql| sql.contains("runners") || sql.contains("lease"));
    recovery.sort();
    recovery.dedup();

    insta::assert_snapshot!(plans(&recovery));
}

#[tokio::test]
async fn an_engine_does_not_judge_itself() {
    let (store, clock) = store_with_clock();
    create_tasks(&store, 1).await;
    let handler = Handler::new(|_| pending::<()>());
    let engine = engine(1, &store, handler).start().await.unwrap();
    until(|| rows(TASKS).contains("running")).await;
    // Its heart beats too, as a thread that has nothing to do with this: it may come too late.
    let silence = "CREATE TRIGGER silence AFTER UPDATE OF heartbeat_at ON engines
                   BEGIN UPDATE engines SET heartbeat_at = old.heartbeat_at WHERE id = old.id; END";
    connection().execute_batch(silence).unwrap();
    clock.advance(Duration::from_hours(1));
    // When this one is found dead, whoever was silent as long was looked at as often.
    silent_engine(&store, 900, 1).await;
    let dead = "SELECT name FROM engines WHERE status = 'dead'";
    until(|| {
        clock.advance(Duration::from_secs(10));
        !rows(dead).is_empty()
    })
    .await;

    assert_eq!(rows(dead), "gone");
    drop(engine);
}
