//! Tasks that nobody wants any more.

use std::future::pending;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use step47_prefetch::{
    Cancelled, Clock, Config, Context, Ending, Engine, Error, Execution, Handler, NewTask, Next,
    Registry, RetryPolicy, RunningEngine, Store, TaskError, Which,
};

use crate::common::{
    acquire, connection, create_tasks, database, end, log, new_task, rows, statements, store, until,
};
use crate::monitoring::plans;

const STATUSES: &str = "SELECT id, status FROM tasks";
const EXECUTIONS: &str = "SELECT task_id, status, error ->> 'type', error ->> 'message'
                          FROM task_executions";

async fn start(store: &Store, handler: Handler) -> RunningEngine {
    let config = Config {
        instance: "test".to_owned(),
        workers: 2,
        cancellation_grace: Duration::from_millis(20),
        // Nothing comes by itself while a test lasts.
        wake_up_interval: Duration::from_hours(1),
        ..Config::default()
    };
    let registry = Registry::default().with_handler("test", handler);
    let engine = Engine::new(store.clone(), registry, config);
    engine.start().await.unwrap()
}

/// One that listens.
async fn listens(context: Context) -> Result<&'static str, TaskError> {
    context.cancelled().await;
    Err("half-way".into())
}

fn cancelled(waiting: usize, running: usize) -> Cancelled {
    let mut cancelled = Cancelled::default();
    (cancelled.waiting, cancelled.running) = (waiting, running);
    cancelled
}

/// One that a worker has just acquired.
async fn running(store: &Store) -> Execution {
    create_tasks(store, 1).await;
    Execution::of(acquire(store).await.unwrap())
}

#[tokio::test]
async fn a_task_that_waits_is_not_executed() {
    let store = store();
    create_tasks(&store, 2).await;
    let done = store.cancel(Which::Task(1)).await.unwrap();
    assert_eq!(done, cancelled(1, 0));
    assert_eq!(acquire(&store).await.unwrap().id, 2);
    assert!(acquire(&store).await.is_none());
    assert_eq!(rows(STATUSES), "1 | cancelled\n2 | running");
}

#[tokio::test]
async fn one_that_runs_is_asked_to_stop() {
    let store = store();
    create_tasks(&store, 1).await;
    let engine = start(&store, Handler::fallible(listens)).await;
    until(|| rows(STATUSES) == "1 | running").await;
    let done = store.cancel(Which::Task(1)).await.unwrap();
    assert_eq!(done, cancelled(0, 1));
    until(|| rows(STATUSES) == "1 | cancelled").await;
    assert_eq!(
        rows(EXECUTIONS),
        "1 | failure | cancelled | cancelled: half-way"
    );
    assert!(log().contains("reason=cancelled"), "{}", log());
    until(|| log().contains("task cancelled worker=")).await;
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn so_is_one_that_another_process_cancels() {
    let store = store();
    create_tasks(&store, 2).await;
    let engine = start(&store, Handler::new(|_| pending::<()>())).await;
    until(|| rows(STATUSES) == "1 | running\n2 | running").await;
    let other = Store::open(database()).unwrap();
    let done = other.cancel(Which::Task(2)).await.unwrap();
    assert_eq!(done, cancelled(0, 1));
    until(|| rows(STATUSES) == "1 | running\n2 | cancelled").await;
    assert!(rows(EXECUTIONS).contains("cancelled: cut short"));
    let _ = other.cancel(Which::Task(1)).await.unwrap();
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn one_that_succeeds_nevertheless_has_succeeded() {
    let store = store();
    let execution = running(&store).await;
    let _ = store.cancel(Which::Task(1)).await.unwrap();
    let ended = end(&store, execution.task).await;
    assert_eq!(ended, Ending::Ended);
    assert_eq!(rows(STATUSES), "1 | stopped");
}

#[tokio::test]
async fn whatever_comes_next_for_it_does_not_come() {
    let store = store();
    let later = store.now() + Duration::from_mins(1);
    for next in [Next::Failed, Next::PutBack, Next::RetryAt(later)] {
        let execution = running(&store).await;
        let which = Which::Task(execution.task.id);
        let _ = store.cancel(which).await.unwrap();
        let failure = Err("its own".into());
        let ended = store.end(&execution, failure, next).await.unwrap();
        assert_eq!(ended, Ending::Cancelled);
    }
    let kept = "SELECT status, context -> '$.retry_number' FROM tasks";
    assert_eq!(rows(kept), ["cancelled | NULL"; 3].join("\n"));
    assert!(rows(EXECUTIONS).contains("its own"));
}

#[tokio::test]
async fn nothing_else_can_be_cancelled() {
    let store = store();
    let execution = running(&store).await;
    let _ = end(&store, execution.task).await;
    let error = store.cancel(Which::Task(1)).await.unwrap_err();
    assert!(matches!(error, Error::Ended(1)), "{error}");
    let error = store.cancel(Which::Task(2)).await.unwrap_err();
    assert!(matches!(error, Error::NoTask(2)), "{error}");
    let nothing = store.cancel(Which::Kind("other".to_owned())).await.unwrap();
    assert_eq!(nothing, cancelled(0, 0));
}

#[tokio::test]
async fn it_can_be_put_back_and_is_not_cancelled_for_that() {
    let store = store();
    create_tasks(&store, 1).await;
    let engine = start(&store, Handler::fallible(listens)).await;
    for round in 1..=3 {
        until(|| rows(STATUSES) == "1 | running").await;
        let _ = store.cancel(Which::Task(1)).await.unwrap();
        until(|| rows(STATUSES) == "1 | cancelled").await;
        assert_eq!(rows(EXECUTIONS).lines().count(), round);
        store.retry_task(1).await.unwrap();
    }
    until(|| rows(STATUSES) == "1 | running").await;
    let requests = "SELECT 1 FROM tasks WHERE cancel_requested_at NOT NULL";
    assert_eq!(rows(requests), "");
    let _ = store.cancel(Which::Task(1)).await.unwrap();
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_kind_is_cancelled_a_thousand_at_a_time() {
    let store = store();
    let running = running(&store).await;
    let other = NewTask::new("other", json!({}));
    let later = new_task().at(Timestamp::MAX);
    let create = store.transaction(move |tx| {
        for _ in 0..1250 {
            tx.create(new_task())?;
            tx.create(later.clone())?;
        }
        tx.create(other)
    });
    create.await.unwrap();
    let mut done = Cancelled::default();
    let asked = statements(&store, async {
        done = store.cancel(Which::Kind("test".to_owned())).await.unwrap();
    });
    let asked = asked.await;
    let batches = asked
        .iter()
        .filter(|sql| sql.contains("SET status = 'cancelled'"));
    assert_eq!(batches.count(), 3);
    assert_eq!(done, cancelled(2500, 1));
    let counts = "SELECT task_kind, status, count(*) FROM tasks GROUP BY 1, 2";
    assert_eq!(
        rows(counts),
        "other | waiting | 1\ntest | cancelled | 2500\ntest | running | 1"
    );
    let ended = store.end(&running, Err("".into()), Next::Failed).await;
    assert_eq!(ended.unwrap(), Ending::Cancelled);
}

#[tokio::test]
async fn those_that_belong_together_are_cancelled_together() {
    let store = store();
    let parent = running(&store).await.task;
    for _ in 0..2 {
        store.create(new_task().child_of(&parent)).await.unwrap();
    }
    let order = new_task().correlation("order-42");
    store.create(order).await.unwrap();
    create_tasks(&store, 1).await;
    let expected = [
        ("1e0", cancelled(0, 0)),
        ("1", cancelled(2, 1)),
        ("order-42", cancelled(1, 0)),
    ];
    for (correlation, expected) in expected {
        let which = Which::Correlation(correlation.to_owned());
        assert_eq!(store.cancel(which).await.unwrap(), expected);
    }
    let waiting = "SELECT id FROM tasks WHERE status = 'waiting'";
    assert_eq!(rows(waiting), "5");
}

#[tokio::test]
async fn what_its_engine_has_left_is_not_executed_elsewhere() {
    store();
    let clock = Clock::manual(Timestamp::UNIX_EPOCH);
    let store = Store::open_with_clock(database(), clock.clone()).unwrap();
    let _killed = running(&store).await;
    let _ = store.cancel(Which::Task(1)).await.unwrap();
    // As an engine that is dead, and whose row is gone.
    connection()
        .execute_batch("UPDATE tasks SET engine_id = 999")
        .unwrap();
    let config = Config {
        instance: "other".to_owned(),
        retry_policy: RetryPolicy::never(),
        ..Config::default()
    };
    let registry = Registry::default().with_handler("test", Handler::new(async |_| "again"));
    let engine = Engine::new(store.clone(), registry, config);
    let engine = engine.start().await.unwrap();
    let told = || {
        clock.advance(Duration::from_secs(10));
        log().contains("task cancelled")
    };
    until(told).await;
    assert_eq!(rows(STATUSES), "1 | cancelled");
    engine.shutdown().await.unwrap();
    assert!(!log().contains("too many engines"), "{}", log());
}

#[tokio::test]
async fn a_lost_lease_gives_back_no_cancelled_task() {
    let store = store();
    create_tasks(&store, 1).await;
    // It has its own idea of when to stop.
    let handler = Handler::new(|_| pending::<()>());
    let config = Config {
        instance: "test".to_owned(),
        cancellation_grace: Duration::MAX,
        lease: Duration::from_millis(300),
        ..Config::default()
    };
    let registry = Registry::default().with_handler("test", handler);
    let engine = Engine::new(store.clone(), registry, config);
    let engine = engine.start().await.unwrap();
    until(|| rows(STATUSES) == "1 | running").await;
    let _ = store.cancel(Which::Task(1)).await.unwrap();
    let dead = "UPDATE engines SET status = 'dead' WHERE status = 'alive'";
    connection().execute_batch(dead).unwrap();
    until(|| rows(STATUSES) == "1 | cancelled").await;
    engine.shutdown().await.unwrap();
}

/// Nobody can tell it any more that it is cancelled.
#[tokio::test]
async fn an_execution_that_is_not_there_harms_no_engine() {
    let store = store();
    create_tasks(&store, 1).await;
    let handler = Handler::fallible(async |context: Context| {
        if context.task.id == 1 {
            return listens(context).await;
        }
        Ok("done")
    });
    let engine = start(&store, handler).await;
    until(|| rows(STATUSES) == "1 | running").await;
    let delete = "DELETE FROM task_executions";
    connection().execute_batch(delete).unwrap();
    let _ = store.cancel(Which::Task(1)).await.unwrap();
    let _ = Store::open(database())
        .unwrap()
        .cancel(Which::Task(1))
        .await
        .unwrap();
    create_tasks(&store, 1).await;
    until(|| rows(STATUSES) == "1 | running\n2 | stopped").await;
    assert!(engine.handle().is_running());
    drop(engine);
}

/// Asked for in the very moment of the end, again and again: either it has succeeded, or it is
/// cancelled; and what is kept of its execution says the same.
#[tokio::test(flavor = "multi_thread")]
async fn cancelled_in_the_moment_of_the_end() {
    let store = store();
    let succeeds = Handler::fallible(async |context: Context| {
        if context.task.id % 2 == 0 {
            return Err("its own".into());
        }
        Ok("done")
    });
    let engine = start(&store, succeeds).await;
    let other = Store::open(database()).unwrap();
    for id in 1..=200 {
        store.create(new_task()).await.unwrap();
        let status = format!("SELECT 1 FROM task_executions WHERE task_id = {id}");
        until(|| !rows(&status).is_empty()).await;
        let cancelled = other.cancel(Which::Task(id)).await;
        assert!(
            matches!(cancelled, Ok(_) | Err(Error::Ended(_))),
            "{cancelled:?}"
        );
    }
    let unsettled = "SELECT id FROM tasks WHERE status = 'running'";
    until(|| rows(unsettled).is_empty()).await;
    engine.shutdown().await.unwrap();
    let odd = "SELECT tasks.id, tasks.status FROM tasks
               LEFT JOIN task_executions ON task_id = tasks.id
               WHERE (tasks.status, task_executions.status) NOT IN
               (VALUES ('stopped', 'success'), ('cancelled', 'failure'))";
    assert_eq!(rows(odd), "");
}

#[tokio::test]
async fn cancelling_reads_no_other_task() {
    let store = store();
    let asked = statements(&store, async {
        let kind = Which::Kind("test".to_owned());
        let correlation = Which::Correlation("order-42".to_owned());
        for which in [kind, correlation] {
            let _ = store.cancel(which).await.unwrap();
        }
    });
    insta::assert_snapshot!(plans(&asked.await));
}
