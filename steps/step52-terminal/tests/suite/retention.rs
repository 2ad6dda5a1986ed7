//! Tasks that have ended are deleted after a while.

use std::time::Duration;

use jiff::Timestamp;
use step52_terminal::{
    Clock, Config, Engine, Error, Handler, NewTask, Registry, Retention, RunningEngine, Store,
    TaskStatus,
};

use crate::common::{
    acquire, connection, create_tasks, database, end, log, new_task, rows, statements, store, until,
};
use crate::inspection::program;
use crate::monitoring::plans;
use crate::recovery::store_with_clock;

pub const DAY: Duration = Duration::from_hours(24);

const TASKS: &str = "SELECT id, status FROM tasks";

const COUNT: &str = "SELECT (SELECT count(*) FROM tasks), (SELECT count(*) FROM task_executions)";

/// So many tasks that have ended at this second, with an execution each.
pub fn ended(status: &str, count: usize, second: i64) {
    let insert = format!(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {count})
         INSERT INTO tasks (status, task_kind, task_parameters, created_at, updated_at)
         SELECT '{status}', 'test', '{{}}', 0, {second}000 FROM n;
         INSERT INTO task_executions (task_id, started_at, created_at, updated_at)
         SELECT id, 0, 0, 0 FROM tasks WHERE id NOT IN (SELECT task_id FROM task_executions)"
    );
    connection().execute_batch(&insert).unwrap();
}

pub fn limits(stopped: Duration) -> Retention {
    Retention {
        stopped: Some(stopped),
        ..Retention::default()
    }
}

pub async fn start(workers: u16, store: &Store, retention: Retention) -> RunningEngine {
    let registry = Registry::default().with_handler("test", Handler::new(|_| async {}));
    let config = Config {
        instance: "test".to_owned(),
        workers,
        retention,
        ..Config::default()
    };
    let engine = Engine::new(store.clone(), registry, config);
    let engine = engine.start().await.unwrap();
    if retention != Retention::default() {
        until_seen(&store.now()).await;
    }
    engine
}

/// Waits until the engine has looked at the clock, which says this.
async fn until_seen(now: &Timestamp) {
    let seen = format!("SELECT seen_at = {} FROM task_engine", now.as_millisecond());
    until(|| rows(&seen) == "1").await;
}

/// Moves the clock forward, and waits until the engine has looked, and then done what it had to do.
pub async fn look_after(clock: &Clock, duration: Duration) {
    // One that looks again has ended its former look.
    for step in [duration, Duration::from_mins(1)] {
        clock.advance(step);
        until_seen(&clock.now()).await;
    }
}

async fn prune(store: &Store, status: TaskStatus) -> Result<usize, Error> {
    store.prune(status, Timestamp::MIN..Timestamp::MAX).await
}

#[tokio::test]
async fn each_status_has_its_limit() {
    let (store, clock) = store_with_clock();
    for status in ["stopped", "failed", "cancelled", "waiting", "running"] {
        ended(status, 2, 1000);
    }
    let all = rows(TASKS);
    let retention = Retention {
        stopped: Some(DAY),
        failed: Some(3 * DAY),
        cancelled: None,
    };
    let engine = start(0, &store, retention).await;

    look_after(&clock, DAY / 2).await;
    assert_eq!(rows(TASKS), all);
    look_after(&clock, DAY / 2).await;
    let left = rows(TASKS);
    assert_eq!(left, all.replace("1 | stopped\n2 | stopped\n", ""));
    look_after(&clock, DAY).await;
    assert_eq!(rows(TASKS), left);
    look_after(&clock, DAY).await;
    let left = left.replace("3 | failed\n4 | failed\n", "");
    assert_eq!(rows(TASKS), left);
    look_after(&clock, 4 * DAY).await;
    assert_eq!(rows(TASKS), left);

    assert_eq!(rows(COUNT), "6 | 6");
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn they_are_all_kept_unless_somebody_asks() {
    let (store, clock) = store_with_clock();
    for status in TaskStatus::ENDED {
        ended(status.as_str(), 1, 0);
    }
    let statements = statements(&store, async {
        let engine = start(1, &store, Config::default().retention).await;
        clock.advance(1000 * DAY);
        create_tasks(&store, 1).await;
        engine.drain().await.unwrap();
    });
    let statements = statements.await.join("\n");
    assert!(!statements.contains("seen_at"), "{statements}");
    assert!(!statements.contains("DELETE FROM tasks"), "{statements}");
    assert_eq!(rows(COUNT), "4 | 4");
}

#[tokio::test]
async fn a_limit_of_zero_keeps_none() {
    let (store, clock) = store_with_clock();
    create_tasks(&store, 50).await;
    let engine = start(2, &store, limits(Duration::ZERO)).await;
    until(|| {
        clock.advance(Duration::from_secs(1));
        rows(COUNT) == "0 | 0"
    })
    .await;
    engine.shutdown().await.unwrap();
    assert_eq!(log().matches("task finished").count(), 50);
}

#[tokio::test]
async fn a_clock_that_jumps_deletes_nothing_until_it_has_gone_for_the_limit() {
    let (store, clock) = store_with_clock();
    let engine = start(0, &store, limits(3 * DAY)).await;
    look_after(&clock, 2 * DAY).await;
    look_after(&clock, 2 * DAY).await;
    let second = clock.now().as_second();
    ended("stopped", 5, second);
    look_after(&clock, 3653 * DAY).await;
    look_after(&clock, 2 * DAY).await;
    assert_eq!(rows(COUNT), "5 | 5");
    let kept = "kept as if ended then status=stopped";
    assert_eq!(log().matches(kept).count(), 2, "{}", log());
    engine.shutdown().await.unwrap();

    // Another start of an engine is no proof.
    let engine = start(0, &store, limits(3 * DAY)).await;
    look_after(&clock, DAY / 2).await;
    assert_eq!(rows(COUNT), "5 | 5");
    look_after(&clock, DAY / 2).await;
    assert_eq!(rows(COUNT), "0 | 0");
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn an_engine_that_was_off_for_a_week_end_goes_on() {
    let (store, clock) = store_with_clock();
    ended("stopped", 5, 1000);
    for _ in 0..2 {
        let engine = start(0, &store, limits(7 * DAY)).await;
        look_after(&clock, Duration::from_mins(1)).await;
        engine.shutdown().await.unwrap();
        assert_eq!(rows(COUNT), "5 | 5");
        clock.advance(4 * DAY);
    }
    let engine = start(0, &store, limits(7 * DAY)).await;
    look_after(&clock, Duration::from_mins(1)).await;
    engine.shutdown().await.unwrap();
    assert_eq!(rows(COUNT), "0 | 0");
}

/// The time of the store is now far in the past for those that look at the database.
#[tokio::test]
async fn a_clock_that_is_set_back_deletes_nothing_until_it_has_gone_for_the_limit() {
    let (store, clock) = store_with_clock();
    ended("stopped", 5, 1000);
    let engine = start(0, &store, limits(3 * DAY)).await;
    look_after(&clock, DAY).await;
    engine.shutdown().await.unwrap();

    let clock = Clock::manual("1969-01-01T00:00:00Z".parse().unwrap());
    let store = Store::open_with_clock(database(), clock.clone()).unwrap();
    ended("stopped", 5, clock.now().as_second() - 1_000_000);
    let engine = start(0, &store, limits(3 * DAY)).await;
    look_after(&clock, 2 * DAY).await;
    assert_eq!(rows(COUNT), "10 | 10");
    look_after(&clock, 2 * DAY).await;
    assert_eq!(rows(COUNT), "5 | 5");
    engine.shutdown().await.unwrap();
}

/// How many statements delete tasks, transaction by transaction.
async fn deletions(store: &Store, work: impl Future) -> Vec<usize> {
    let statements = statements(store, work).await.join("\n");
    let transactions = statements.split("BEGIN IMMEDIATE");
    let deletions = transactions.map(|sql| sql.matches("DELETE FROM tasks WHERE").count());
    deletions.filter(|count| *count > 0).collect()
}

#[tokio::test]
async fn they_are_deleted_a_batch_at_a_time() {
    let store = store();
    ended("stopped", 450, 0);
    let deletions = deletions(&store, async {
        assert_eq!(prune(&store, TaskStatus::Stopped).await.unwrap(), 450);
    });
    let deletions = deletions.await;
    // Each is traced twice: with what goes with it.
    assert_eq!(deletions.iter().sum::<usize>(), 2 * 450);
    let most = deletions.iter().max();
    assert!(most <= Some(&(2 * 128)), "{deletions:?}");
    assert_eq!(rows(COUNT), "0 | 0");
}

#[tokio::test]
async fn what_goes_with_them_may_take_its_time() {
    let store = store();
    ended("stopped", 5, 0);
    let slow = "CREATE TRIGGER slow AFTER DELETE ON tasks BEGIN
                SELECT count(*) FROM (WITH RECURSIVE n (n) AS
                (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT 300000) SELECT n FROM n); END";
    connection().execute_batch(slow).unwrap();
    let deletions = deletions(&store, async {
        assert_eq!(prune(&store, TaskStatus::Stopped).await.unwrap(), 5);
    });
    assert_eq!(deletions.await.len(), 5);
}

/// Whatever way the application has to say that it needs them.
#[tokio::test]
async fn those_that_cannot_be_deleted_are_in_nobody_s_way() {
    let needs = [
        "CREATE TABLE orders (task REFERENCES tasks ON DELETE RESTRICT)",
        "CREATE TABLE orders (task REFERENCES tasks DEFERRABLE INITIALLY DEFERRED)",
        "CREATE TABLE orders (task);
         CREATE TRIGGER needed BEFORE DELETE ON tasks WHEN old.id IN (SELECT task FROM orders)
         BEGIN SELECT RAISE(ABORT, 'an order needs it'); END",
        "CREATE TABLE orders (task);
         CREATE TRIGGER needed BEFORE DELETE ON tasks WHEN old.id IN (SELECT task FROM orders)
         BEGIN SELECT RAISE(ROLLBACK, 'an order needs it'); END",
    ];
    let store = store();
    for (before, needs) in needs.into_iter().enumerate() {
        connection().execute_batch(needs).unwrap();
        let first = 1000 * i64::try_from(before).unwrap() + 1;
        let number = format!("DELETE FROM tasks; UPDATE sqlite_sequence SET seq = {first} - 1");
        connection().execute_batch(&number).unwrap();
        ended("stopped", 300, 0);
        let order = "INSERT INTO orders SELECT min(tasks.id) + value FROM tasks, json_each('[0, 150, 151, 299]') GROUP BY value";
        connection().execute_batch(order).unwrap();

        let deleted = prune(&store, TaskStatus::Stopped).await.unwrap();

        assert_eq!(deleted, 296, "{needs}");
        let left = [0, 150, 151, 299].map(|id| (first + id).to_string());
        assert_eq!(rows("SELECT id FROM tasks"), left.join("\n"), "{needs}");
        assert_eq!(rows(COUNT), "4 | 4");
        for task in left {
            let told = format!("task can't be deleted task={task} error=");
            assert_eq!(log().matches(&told).count(), 1, "{}", log());
        }
        connection()
            .execute_batch("DROP TRIGGER IF EXISTS needed; DROP TABLE orders")
            .unwrap();
    }
}

#[tokio::test]
async fn an_engine_tries_those_that_cannot_be_deleted_once() {
    let (store, clock) = store_with_clock();
    ended("stopped", 3, 0);
    let order = "CREATE TABLE orders (task REFERENCES tasks ON DELETE RESTRICT);
                 INSERT INTO orders VALUES (2)";
    connection().execute_batch(order).unwrap();
    let engine = start(0, &store, limits(Duration::ZERO)).await;
    for _ in 0..3 {
        look_after(&clock, Duration::from_mins(1)).await;
        ended("stopped", 1, clock.now().as_second());
    }
    look_after(&clock, Duration::from_mins(1)).await;
    engine.shutdown().await.unwrap();

    assert_eq!(rows(TASKS), "2 | stopped");
    assert_eq!(log().matches("task can't be deleted").count(), 1);
}

#[tokio::test]
async fn one_that_is_put_back_meanwhile_is_left() {
    let store = store();
    // The first one is found alone, the others by two.
    ended("stopped", 5, 0);
    let retry = "CREATE TRIGGER retry AFTER DELETE ON tasks BEGIN
                 UPDATE tasks SET status = 'waiting' WHERE id = 3 AND old.id = 2;
                 UPDATE tasks SET updated_at = 1000 WHERE id = 5 AND old.id = 4; END";
    connection().execute_batch(retry).unwrap();
    let until = Timestamp::from_millisecond(1000).unwrap();
    let deleted = store.prune(TaskStatus::Stopped, Timestamp::MIN..until);
    assert_eq!(deleted.await.unwrap(), 3);
    assert_eq!(rows(TASKS), "3 | waiting\n5 | stopped");
}

#[tokio::test]
async fn those_that_have_not_ended_are_never_deleted() {
    let store = store();
    for status in ["waiting", "running"] {
        ended(status, 3, 0);
    }
    for status in TaskStatus::ALL {
        assert_eq!(prune(&store, *status).await.unwrap(), 0);
    }
    assert_eq!(rows(COUNT), "6 | 6");
}

#[tokio::test]
async fn only_those_between_the_two_times_are_deleted() {
    let store = store();
    for second in 1..=5 {
        ended("failed", 1, second);
    }
    let times = [2, 4].map(|second| Timestamp::from_second(second).unwrap());
    let reader = store.reader();
    let count = || reader.ended(TaskStatus::Failed, Timestamp::MIN..times[1]);
    assert_eq!(count().await.unwrap(), 3);
    let deleted = store.prune(TaskStatus::Failed, times[0]..times[1]);
    assert_eq!(deleted.await.unwrap(), 2);
    assert_eq!(rows("SELECT id FROM tasks"), "1\n4\n5");
    assert_eq!(count().await.unwrap(), 1);
}

#[tokio::test]
async fn no_other_task_is_looked_at() {
    let store = store();
    ended("stopped", 2, 0);
    let mut statements = statements(&store, async {
        prune(&store, TaskStatus::Stopped).await.unwrap();
        let all = Timestamp::MIN..Timestamp::MAX;
        let counted = store.reader().ended(TaskStatus::Stopped, all);
        assert_eq!(counted.await.unwrap(), 0);
    })
    .await;
    statements.retain(|sql| sql.contains("updated_at"));
    statements.sort();
    statements.dedup();
    insta::assert_snapshot!(plans(&statements));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_programs_that_delete_the_same_ones_do_no_harm() {
    let first = store();
    let second = Store::open(database()).unwrap();
    ended("stopped", 1000, 0);
    let both = tokio::join!(
        prune(&first, TaskStatus::Stopped),
        prune(&second, TaskStatus::Stopped),
    );
    assert_eq!(both.0.unwrap() + both.1.unwrap(), 1000);
    assert_eq!(rows(COUNT), "0 | 0");
}

#[tokio::test]
async fn what_belongs_to_a_task_that_is_gone_is_still_found() {
    let store = store();
    store.create(new_task().unique("a")).await.unwrap();
    let parent = acquire(&store).await.unwrap();
    let child = store.create(new_task().child_of(&parent)).await.unwrap();
    let order = NewTask::child_of(new_task(), &parent).correlation("order-1");
    let other = store.create(order).await.unwrap();
    let _ = end(&store, parent).await;
    assert_eq!(prune(&store, TaskStatus::Stopped).await.unwrap(), 1);

    for what in ["1", &child.to_string()] {
        let traced = store.reader().trace(what).await.unwrap();
        let ids: Vec<_> = traced.iter().map(|traced| traced.task.id).collect();
        assert_eq!((ids, traced[0].depth), (vec![child], 0), "{what}");
    }
    let traced = store.reader().trace("order-1").await.unwrap();
    assert_eq!((traced[0].task.id, traced[0].depth), (other, 0));
    let (task, _) = store.reader().find_task(child).await.unwrap();
    assert_eq!((task.parent, task.correlation.as_str()), (Some(1), "1"));
    assert!(matches!(
        store.reader().find_task(1).await,
        Err(Error::NoTask(1))
    ));
    assert!(matches!(store.retry_task(1).await, Err(Error::NoTask(1))));
    // Its number stays its own, and its key is free.
    let again = store.create(new_task().unique("a")).await.unwrap();
    assert_eq!(again, other + 1);
}

#[tokio::test]
async fn an_engine_says_what_holds_it_up_and_goes_on() {
    let (store, clock) = store_with_clock();
    let fails = "CREATE TRIGGER fails BEFORE DELETE ON tasks
                 BEGIN INSERT INTO missing VALUES (1); END";
    ended("stopped", 2, 1000);
    let engine = start(0, &store, limits(Duration::from_secs(30))).await;
    connection().execute_batch(fails).unwrap();
    clock.advance(Duration::from_mins(1));
    until(|| {
        clock.advance(Duration::from_mins(1));
        log().contains("old tasks can't be deleted")
    })
    .await;
    connection().execute_batch("DROP TRIGGER fails").unwrap();
    look_after(&clock, Duration::from_mins(1)).await;
    assert_eq!(rows(COUNT), "0 | 0");
    engine.shutdown().await.unwrap();
}

#[test]
fn it_is_asked_for_by_hand() {
    let none = program(&["prune", "--older-than", "1h"]);
    assert!(none.contains("there is no such place"), "{none}");
    drop(store());
    ended("stopped", 3, 0);
    ended("failed", 2, 0);
    let now = Timestamp::now().as_second();
    ended("cancelled", 1, now - 3600);
    let ask = |arguments: &[&str]| program(&[&["prune", "--older-than"], arguments].concat());
    insta::assert_snapshot!(ask(&["30m", "--dry-run"]), @r"
    3 stopped would be deleted
    2 failed would be deleted
    1 cancelled would be deleted
    ");
    insta::assert_snapshot!(ask(&["1 day", "--dry-run"]), @r"
    3 stopped would be deleted
    2 failed would be deleted
    0 cancelled would be deleted
    ");
    assert_eq!(rows(COUNT), "6 | 6");
    assert_eq!(ask(&["7d", "--status", "failed"]), "2 failed deleted\n");
    insta::assert_snapshot!(ask(&["7d"]), @r"
    3 stopped deleted
    0 failed deleted
    0 cancelled deleted
    ");
    assert_eq!(rows(TASKS), "6 | cancelled");
    assert!(ask(&["0s"]).contains("1 cancelled deleted"));
    for refused in [&["7d", "--status", "waiting"][..], &["1 month"], &["-1h"]] {
        let refused = ask(refused);
        assert!(refused.starts_with("error: "), "{refused}");
    }
}

#[test]
fn it_is_asked_for_when_an_engine_starts() {
    drop(store());
    ended("stopped", 1, 0);
    ended("failed", 1, 0);
    ended("cancelled", 1, 0);
    let start = |arguments: &[&str]| {
        let start = ["start", "--instance", "test", "--until-empty"];
        program(&[&start, arguments].concat())
    };
    let log = start(&["--keep", "7d"]);
    assert!(log.contains("kept as if ended then"), "{log}");
    assert!(!log.contains("status=failed"), "{log}");
    let log = start(&["--keep-failed", "90 days"]);
    assert_eq!(log.matches("kept as if ended then").count(), 2, "{log}");
    assert_eq!(rows(COUNT), "3 | 3");
}
