//! A task that has failed is executed again later.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use step49_durability::{
    Clock, Config, Ending, Engine, Execution, Filter, Handler, Next, Registry, RetryPolicy, Store,
};

use crate::common::{
    acquire, connection, create_tasks, database, drain, end, engine, failed, rows, store, until,
};
use crate::inspection::program;

const MINUTE: Duration = Duration::from_mins(1);

fn delay(policy: &RetryPolicy, retries: u32) -> Option<Duration> {
    policy.delay(&failed(retries), &"down".into())
}

#[test]
fn the_default_policy_retries_ten_times_within_seventeen_hours() {
    let policy = RetryPolicy::default();
    let delays: Vec<_> = (0..10)
        .map(|retries| delay(&policy, retries).unwrap())
        .collect();
    let minutes: Vec<_> = delays.iter().map(|delay| delay.as_secs() / 60).collect();
    assert_eq!(minutes, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]);
    assert_eq!(minutes.iter().sum::<u64>(), 1023);
    assert_eq!(delay(&policy, 10), None);
    assert_eq!(delay(&policy, u32::MAX), None);
}

#[test]
fn no_delay_is_too_long_to_be_counted() {
    let policy = RetryPolicy {
        max_retries: u32::MAX,
        first_delay: Duration::MAX,
        ..RetryPolicy::default()
    };
    assert_eq!(delay(&policy, 1000), Some(Duration::MAX));
}

/// An engine whose tasks always fail, on a clock that is moved from one retry to the next.
#[tokio::test]
async fn a_task_is_retried_at_its_times_then_has_failed() {
    let _log = store();
    let clock = Clock::manual("2030-01-01T00:00:00Z".parse().unwrap());
    let store = Store::open_with_clock(database(), clock.clone()).unwrap();
    create_tasks(&store, 1).await;
    let executed = Arc::new(AtomicU32::new(0));
    let count = executed.clone();
    let handler = Handler::fallible(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        async { Err::<(), _>("the mail server is down".into()) }
    });
    let config = Config {
        instance: "test".to_owned(),
        watch_interval: Duration::from_hours(1),
        wake_up_interval: Duration::from_hours(24 * 365),
        ..Config::default()
    };
    let registry = Registry::default().with_handler("test", handler);
    let engine = Engine::new(store.clone(), registry, config);
    let handle = engine.handle();
    let running = tokio::spawn(engine.run());

    for retry in 0..10 {
        let retried = format!("waiting | {retry}");
        let row = "SELECT status, context ->> 'retry_number' FROM tasks";
        until(|| rows(row) == format!("waiting | {}", retry + 1)).await;
        assert_eq!(executed.load(Ordering::SeqCst), retry + 1, "{retried}");
        clock.advance(2_u32.pow(retry) * MINUTE);
    }
    until(|| rows("SELECT status FROM tasks") == "failed").await;
    handle.stop();
    running.await.unwrap().unwrap();

    assert_eq!(executed.load(Ordering::SeqCst), 11);
    let times = "SELECT (started_at - 1893456000000) / 60000, status FROM task_executions";
    insta::assert_snapshot!(rows(times), @r"
    0 | failure
    1 | failure
    3 | failure
    7 | failure
    15 | failure
    31 | failure
    63 | failure
    127 | failure
    255 | failure
    511 | failure
    1023 | failure
    ");
}

#[tokio::test]
async fn a_retry_belongs_to_no_engine_and_is_due_at_its_time() {
    let _log = store();
    let clock = Clock::manual("2030-01-01T00:00:00Z".parse().unwrap());
    let store = Store::open_with_clock(database(), clock.clone()).unwrap();
    create_tasks(&store, 1).await;
    let task = acquire(&store).await.unwrap();
    let next = Next::RetryAt(clock.now() + MINUTE);
    let execution = Execution::of(task);
    let ended = store.end(&execution, Err("down".into()), next).await;
    assert_eq!(ended.unwrap(), Ending::Ended);

    let row = "SELECT status, instance, context, scheduled_at FROM tasks";
    assert_eq!(
        rows(row),
        r#"waiting | NULL | {"retry_number":1} | 1893456060000"#
    );
    assert!(acquire(&store).await.is_none());
    clock.advance(MINUTE);
    assert_eq!(acquire(&store).await.unwrap().retries, 1);
}

/// Other programs write there too.
#[tokio::test]
async fn whatever_the_context_holds_the_task_is_executed_and_ended() {
    let store = store();
    let odd = [
        "{}",
        r#"{"retry_number":-1}"#,
        r#"{"retry_number":"3"}"#,
        r#"{"retry_number":1.5}"#,
        r#"{"retry_number":1e99}"#,
        r#"{"retry_number":[],"mine":{"a":1}}"#,
        r#"{"retry_number":99999999999}"#,
    ];
    for context in odd {
        create_tasks(&store, 1).await;
        let update = "UPDATE tasks SET context = ?1 WHERE id = (SELECT max(id) FROM tasks)";
        connection().execute(update, [context]).unwrap();
    }

    let fails = Handler::fallible(|_| async { Err::<(), _>("down".into()) });
    drain(engine(2, &store, fails)).await.unwrap();

    assert_eq!(
        rows("SELECT count(*) FROM tasks WHERE status = 'failed'"),
        odd.len().to_string()
    );
    assert!(program(&["list"]).lines().count() == odd.len());
}

/// Not even with a number that is beyond JSON libraries, or bytes that are no text.
#[tokio::test]
async fn whatever_the_context_holds_the_retries_are_counted() {
    let store = store();
    let odd = [
        r#"'{"mine":1e400}'"#,
        r#"CAST('{"mine":"caf' || x'e9' || '"}' AS TEXT)"#,
    ];
    for context in odd {
        create_tasks(&store, 1).await;
        let update = format!("UPDATE tasks SET context = {context} WHERE status = 'waiting'");
        connection().execute_batch(&update).unwrap();
        for retries in 0..3 {
            let task = acquire(&store).await.unwrap();
            assert_eq!(task.retries, retries, "{context}");
            let id = task.id;
            let execution = Execution::of(task);
            let next = Next::RetryAt("2020-01-01T00:00:00Z".parse().unwrap());
            let ended = store.end(&execution, Err("down".into()), next).await;
            assert_eq!(ended.unwrap(), Ending::Ended);
            let (record, _) = store.reader().find_task(id).await.unwrap();
            assert_eq!(record.retries, retries + 1);
        }
        let task = acquire(&store).await.unwrap();
        assert_eq!(end(&store, task).await, Ending::Ended);
    }
}

#[tokio::test]
async fn a_task_that_succeeds_at_last_is_stopped() {
    let store = store();
    create_tasks(&store, 1).await;
    let task = acquire(&store).await.unwrap();
    let next = Next::RetryAt("2020-01-01T00:00:00Z".parse().unwrap());
    let _ = store
        .end(&Execution::of(task), Err("down".into()), next)
        .await;

    drain(engine(1, &store, Handler::new(|_| async {})))
        .await
        .unwrap();

    let row = "SELECT status, context, instance FROM tasks";
    assert_eq!(rows(row), r#"stopped | {"retry_number":1} | test"#);
    assert_eq!(
        rows("SELECT status FROM task_executions"),
        "failure\nsuccess"
    );
}

#[tokio::test]
async fn the_tasks_that_wait_for_a_retry_are_found() {
    let store = store();
    create_tasks(&store, 3).await;
    let task = acquire(&store).await.unwrap();
    let next = Next::RetryAt("2030-01-01T00:00:00Z".parse().unwrap());
    let _ = store
        .end(&Execution::of(task), Err("down".into()), next)
        .await;

    let listed = program(&["list", "--retrying"]);
    assert!(listed.starts_with("     1  waiting "), "{listed}");
    assert_eq!(listed.lines().count(), 1);
    assert!(program(&["show", "1"]).contains("  retries     1\n"));
}

#[tokio::test]
async fn they_are_found_by_an_index() {
    let store = store();
    create_tasks(&store, 1).await;
    let plan = rows(
        "EXPLAIN QUERY PLAN SELECT * FROM tasks
         WHERE status = 'waiting' AND context ->> 'retry_number' NOT NULL ORDER BY id DESC LIMIT 5",
    );
    assert!(plan.contains("USING INDEX retrying_tasks"), "{plan}");
    let listed = store
        .reader()
        .list_tasks(Filter::Retrying, 5)
        .await
        .unwrap();
    assert_eq!(listed.len(), 0);
}
