//! What is no use to retry isn't.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use step53_progress::{
    Config, Context, Engine, Handler, NewTask, Registry, RetryPolicy, Task, TaskError, TaskHandler,
};

use crate::common::{connection, create_tasks, drain, engine, failed, log, rows, store, until};

#[test]
fn a_delay_has_a_limit() {
    let policy = RetryPolicy {
        max_retries: 100,
        max_delay: Duration::from_mins(10),
        ..RetryPolicy::default()
    };
    let minutes = |retries| {
        policy
            .delay(&failed(retries), &"down".into())
            .unwrap()
            .as_secs()
            / 60
    };
    assert_eq!(
        [minutes(0), minutes(3), minutes(4), minutes(99)],
        [1, 8, 10, 10]
    );
}

#[test]
fn chance_lengthens_a_delay_and_is_the_same_each_time() {
    let policy = RetryPolicy {
        jitter: 0.5,
        ..RetryPolicy::default()
    };
    let delay = |id| {
        let task = Task { id, ..failed(0) };
        policy.delay(&task, &"down".into()).unwrap().as_secs_f64()
    };
    let delays: Vec<_> = (1..=100).map(delay).collect();
    assert!(
        delays.iter().all(|seconds| (60.0..90.0).contains(seconds)),
        "{delays:?}"
    );
    assert!(delays.iter().any(|seconds| *seconds > 80.0), "{delays:?}");
    assert_eq!(delays, (1..=100).map(delay).collect::<Vec<_>>());
    for odd in [f64::NAN, f64::INFINITY, -5.0, 1e300] {
        let policy = RetryPolicy {
            jitter: odd,
            ..RetryPolicy::default()
        };
        assert!(policy.delay(&failed(0), &"down".into()).is_some());
    }
}

#[test]
fn an_error_has_the_last_word() {
    let policy = RetryPolicy::default();
    let later = TaskError::from("too many requests").retry_after(Duration::from_secs(7));
    assert_eq!(
        policy.delay(&failed(3), &later),
        Some(Duration::from_secs(7))
    );
    assert_eq!(policy.delay(&failed(10), &later), None);
    assert_eq!(
        policy.delay(&failed(0), &TaskError::permanent("no such customer")),
        None
    );
    assert_eq!(RetryPolicy::never().delay(&failed(0), &later), None);
}

/// Retried three times, a second later.
#[derive(Serialize, Deserialize)]
struct Patient {}

impl TaskHandler for Patient {
    const KIND: &'static str = "patient";
    type Output = ();

    fn retry_policy() -> Option<RetryPolicy> {
        Some(RetryPolicy {
            max_retries: 3,
            ..RetryPolicy::default()
        })
    }

    async fn execute(self, _context: &Context) -> Result<(), TaskError> {
        Err("down".into())
    }
}

#[tokio::test]
async fn each_kind_has_its_own_policy() {
    let store = store();
    let fails = || Handler::fallible(|_| async { Err::<(), _>("down".into()) });
    let registry = Registry::default()
        .with::<Patient>()
        .with_handler("hasty", fails().retried(RetryPolicy::never()))
        .with_handler("like_the_engine", fails())
        .with_handler(
            "hopeless",
            Handler::fallible(|_| async { Err::<(), _>(TaskError::permanent("no such customer")) }),
        );
    let kinds = registry.kinds();
    for kind in &kinds {
        store.create(NewTask::new(kind, json!({}))).await.unwrap();
    }
    let ill_typed = "INSERT INTO tasks (task_kind, task_parameters, created_at, updated_at)
                     VALUES ('patient', '{\"unknown\": 1', 0, 0)";
    assert!(connection().execute_batch(ill_typed).is_err());
    let config = Config {
        instance: "test".to_owned(),
        ..Config::default()
    };
    let engine = Engine::new(store, registry, config);
    let handle = engine.handle();
    let running = tokio::spawn(engine.run());
    let ended = "SELECT count(*) FROM task_executions WHERE status = 'failure'";
    until(|| rows(ended) == kinds.len().to_string()).await;
    handle.stop();
    running.await.unwrap().unwrap();

    let states = rows(
        "SELECT task_kind, status, (scheduled_at - created_at) / 60000 FROM tasks ORDER BY task_kind",
    );
    insta::assert_snapshot!(states, @r"
    hasty | failed | 0
    hopeless | failed | 0
    like_the_engine | waiting | 1
    patient | waiting | 1
    ");
}

#[tokio::test]
async fn a_task_that_cannot_be_started_fails_and_the_others_go_on() {
    let store = store();
    create_tasks(&store, 3).await;
    let refuse = "CREATE TRIGGER refuse BEFORE UPDATE ON tasks
                  WHEN old.id = 1 AND new.status = 'running'
                  BEGIN SELECT raise(ABORT, 'not today'); END;
                  CREATE TRIGGER refuse_too BEFORE INSERT ON task_executions WHEN new.task_id = 2
                  BEGIN SELECT raise(ABORT, 'nor tomorrow'); END;";
    connection().execute_batch(refuse).unwrap();

    drain(engine(1, &store, Handler::new(|_| async {})))
        .await
        .unwrap();

    assert_eq!(rows("SELECT status FROM tasks"), "failed\nfailed\nstopped");
    assert_eq!(rows("SELECT task_id FROM task_executions"), "3");
    for told in [
        "task=1 error=\"the database failed: not today",
        "task=2 error=\"the database failed: nor tomorrow",
    ] {
        assert!(log().contains(told), "{}", log());
    }
}

/// A trigger may roll the transaction back, or refuse whatever is done with a task.
#[tokio::test]
async fn a_task_that_nothing_can_be_done_with_does_not_end_the_engine() {
    for (how, times) in ["ROLLBACK", "ABORT", "FAIL"].into_iter().zip(1..) {
        let store = store();
        create_tasks(&store, 1).await;
        let refuse = format!(
            "CREATE TRIGGER refuse BEFORE UPDATE ON tasks BEGIN SELECT raise({how}, 'not today'); END;"
        );
        connection().execute_batch(&refuse).unwrap();
        let running = engine(1, &store, Handler::new(|_| async {}));
        let handle = running.handle();
        let running = tokio::spawn(running.run());
        until(|| log().matches("task can't be started").count() >= times).await;

        assert_eq!(rows("SELECT status FROM tasks"), "waiting");
        connection()
            .execute_batch("DROP TRIGGER refuse; DELETE FROM tasks")
            .unwrap();
        handle.stop();
        running.await.unwrap().unwrap();
    }
}
