//! Tasks are put back by hand.

use step45_savepoints::{Ending, Error, Execution, Handler, Next, Store};

use crate::common::{acquire, connection, create_tasks, drain, end, engine, left, rows, store};
use crate::inspection::program;

const TASKS: &str = "SELECT id, status, instance, context FROM tasks";

async fn fail(store: &Store, next: Next) {
    let execution = Execution::of(acquire(store).await.unwrap());
    let ended = store.end(&execution, Err("down".into()), next).await;
    assert_eq!(ended.unwrap(), Ending::Ended);
}

#[tokio::test]
async fn a_task_that_has_ended_has_all_its_retries_to_come() {
    let store = store();
    create_tasks(&store, 2).await;
    fail(&store, Next::Failed).await;
    let context = "UPDATE tasks SET context = '{\"retry_number\":10,\"mine\":1}' WHERE id = 1";
    connection().execute_batch(context).unwrap();
    let task = acquire(&store).await.unwrap();
    assert_eq!(end(&store, task).await, Ending::Ended);

    assert_eq!(
        program(&["retry", "1", "2"]),
        "task 1 is waiting again\ntask 2 is waiting again\n"
    );

    assert_eq!(
        rows(TASKS),
        "1 | waiting | NULL | {\"mine\":1}\n2 | waiting | NULL | {}"
    );
    drain(engine(1, &store, Handler::new(|_| async {})))
        .await
        .unwrap();
    assert_eq!(left(), "");
}

#[tokio::test]
async fn a_retry_is_brought_forward() {
    let store = store();
    create_tasks(&store, 1).await;
    fail(
        &store,
        Next::RetryAt("2100-01-01T00:00:00Z".parse().unwrap()),
    )
    .await;
    assert!(acquire(&store).await.is_none());

    store.retry_task(1).await.unwrap();

    assert_eq!(acquire(&store).await.unwrap().retries, 1);
}

#[tokio::test]
async fn a_task_that_runs_is_left_alone() {
    let store = store();
    create_tasks(&store, 1).await;
    acquire(&store).await.unwrap();
    assert!(matches!(store.retry_task(1).await, Err(Error::Running(1))));
    assert!(matches!(store.retry_task(17).await, Err(Error::NoTask(17))));
    assert_eq!(left(), "1 | running");
}

#[tokio::test]
async fn what_a_killed_engine_has_left_is_put_back_and_its_outcome_refused() {
    let store = store();
    create_tasks(&store, 3).await;
    let late = acquire(&store).await.unwrap();
    acquire(&store).await.unwrap();
    connection()
        .execute("UPDATE tasks SET instance = NULL WHERE id = 2", [])
        .unwrap();

    let refused = program(&["retry", "--stranded", "test"]);
    assert!(
        refused.contains("nothing is changed: make sure"),
        "{refused}"
    );
    assert_eq!(left(), "1 | running\n2 | running\n3 | waiting");
    assert_eq!(
        program(&["retry", "--stranded", "test", "--yes"]),
        "task 1 is waiting again\n"
    );
    assert_eq!(
        program(&["retry", "--stranded", "", "--yes"]),
        "task 2 is waiting again\n"
    );
    let none = program(&["retry", "--stranded", "test", "--yes"]);
    assert_eq!(
        none,
        "no task of an engine without a number is marked as running under the name \"test\"\n"
    );

    assert_eq!(
        rows(TASKS),
        "1 | waiting | NULL | {\"crash_number\":1}\n2 | waiting | NULL | {\"crash_number\":1}\n3 | waiting | NULL | {}"
    );
    let executions =
        "SELECT id, status, error ->> 'message', stopped_at NOT NULL FROM task_executions";
    insta::assert_snapshot!(rows(executions), @r#"
    1 | failure | the engine "test" was killed while it executed this task | 1
    2 | failure | the engine "" was killed while it executed this task | 1
    "#);
    assert_eq!(end(&store, late).await, Ending::Lost);
}

#[tokio::test]
async fn a_task_that_kills_its_engine_has_failed_in_the_end() {
    let store = store();
    create_tasks(&store, 1).await;
    for again in [true, true, true, false] {
        acquire(&store).await.unwrap();
        let put_back = store.retry_stranded_tasks("test").await.unwrap();
        assert_eq!(put_back, [(1, again)]);
    }
    assert_eq!(rows("SELECT status FROM tasks"), "failed");
    store.retry_task(1).await.unwrap();
    assert!(acquire(&store).await.is_some());
}

#[tokio::test]
async fn the_refusal_to_start_says_what_to_do() {
    let store = store();
    create_tasks(&store, 1).await;
    acquire(&store).await.unwrap();
    let odd = "UPDATE tasks SET instance = 'it''s $(date)'";
    connection().execute(odd, []).unwrap();
    let refused = program(&["start", "--instance", "it's $(date)"]);
    let advice = r"`retry --stranded 'it'\''s $(date)'`";
    assert!(refused.contains(advice), "{refused}");
}
