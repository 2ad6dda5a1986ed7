//! Executed tasks stay in the database, with what became of each execution.

mod common;

use std::time::Duration;

use common::{
    acquire, at, create_tasks, database, drain, end, end_with, engine_with, program, query_plans,
    rows, run_side_by_side, store,
};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use task_engine::{Clock, Handler, Registry, Store, Task, TaskError, TaskHandler, TaskStatus};

/// A store whose clock shows 2027-01-15T08:00:00Z, and moves when it is told to.
fn store_with_clock() -> (Store, Clock) {
    let _store = store();
    let clock = Clock::manual(at(1_800_000_000_000));
    let store = Store::open_with_clock(database(), clock.clone()).unwrap();
    (store, clock)
}

#[tokio::test]
async fn an_execution_tells_when_it_began_and_ended_and_what_it_gave() {
    let (store, clock) = store_with_clock();
    create_tasks(&store, 2).await;
    clock.advance(Duration::from_secs(1));
    acquire(&store).await.unwrap();
    acquire(&store).await.unwrap();
    clock.advance(Duration::from_secs(5));
    end_with(&store, 1, r#"{"sent": 3}"#).await.unwrap();

    insta::assert_snapshot!(rows("tasks"), @"
    id | status | created_at | updated_at | instance | task_kind | task_parameters | scheduled_at | context
    1 | stopped | 1800000000000 | 1800000006000 | test | test | {} | 1800000000000 | {}
    2 | running | 1800000000000 | 1800000001000 | test | test | {} | 1800000000000 | {}
    ");
    insta::assert_snapshot!(rows("task_executions"), @r#"
    id | task_id | status | started_at | stopped_at | result | error | created_at | updated_at
    1 | 1 | success | 1800000001000 | 1800000006000 | {"sent": 3} | NULL | 1800000001000 | 1800000006000
    2 | 2 | running | 1800000001000 | NULL | NULL | NULL | 1800000001000 | 1800000001000
    "#);
}

#[tokio::test]
async fn nothing_is_deleted() {
    let store = store();
    create_tasks(&store, 20).await;

    run_side_by_side(5, &store, Handler::new(|_| async {})).await;

    assert_eq!(store.count_tasks(TaskStatus::Stopped).await.unwrap(), 20);
    for id in 1..=20 {
        let (task, executions) = store.find_task(id).await.unwrap();
        assert_eq!(task.status, TaskStatus::Stopped);
        assert_eq!(task.instance.as_deref(), Some("test"));
        assert_eq!(executions.len(), 1);
        assert!(executions[0].stopped_at >= Some(executions[0].started_at));
        assert_eq!(executions[0].result, Some(Value::Null));
    }
}

/// An execution that was cut short stays as it is; the next one is another row.
#[tokio::test]
async fn a_task_that_is_executed_again_has_two_executions() {
    let (store, clock) = store_with_clock();
    create_tasks(&store, 1).await;
    acquire(&store).await.unwrap();
    Connection::open(database())
        .unwrap()
        .execute("UPDATE tasks SET status = 'waiting'", [])
        .unwrap();
    clock.advance(Duration::from_secs(1));
    acquire(&store).await.unwrap();
    end_with(&store, 1, "null").await.unwrap();

    insta::assert_snapshot!(rows("task_executions"), @"
    id | task_id | status | started_at | stopped_at | result | error | created_at | updated_at
    1 | 1 | running | 1800000000000 | NULL | NULL | NULL | 1800000000000 | 1800000000000
    2 | 1 | success | 1800000001000 | 1800000001000 | null | NULL | 1800000001000 | 1800000001000
    ");
}

#[derive(Serialize, Deserialize)]
struct CountTask {
    text: String,
}

#[derive(Serialize)]
struct Count {
    words: usize,
    letters: usize,
}

impl TaskHandler for CountTask {
    const KIND: &'static str = "count";
    type Output = Count;

    async fn execute(self, _task: &Task) -> Result<Count, TaskError> {
        Ok(Count {
            words: self.text.split_whitespace().count(),
            letters: self.text.len(),
        })
    }
}

#[tokio::test]
async fn what_a_task_returns_is_kept_as_json() {
    let store = store();
    let text = "three short words".to_owned();
    store.create_task(&CountTask { text }).await.unwrap();

    let registry = Registry::default().with::<CountTask>();
    let engine = engine_with("test", 1, &store, registry);
    drain(engine, &store).await.unwrap();

    let (_, executions) = store.find_task(1).await.unwrap();
    let result = executions[0].result.clone();
    assert_eq!(result, Some(json!({ "words": 3, "letters": 17 })));
}

#[tokio::test]
async fn the_schema_refuses_a_result_that_is_not_json() {
    let store = store();
    create_tasks(&store, 1).await;
    acquire(&store).await.unwrap();

    let error = end_with(&store, 1, "{").await.unwrap_err();

    insta::assert_snapshot!(error, @"the database failed: CHECK constraint failed: json_valid(result)");
    assert_eq!(store.running_tasks("test").await.unwrap(), [1]);
}

#[tokio::test]
async fn finished_tasks_are_not_in_the_way() {
    let store = store();
    create_tasks(&store, 1).await;

    let plans = query_plans(&store, async {
        acquire(&store).await.unwrap();
        end(&store, 1).await.unwrap();
    });

    insta::assert_snapshot!(plans.await);
}

#[tokio::test]
async fn the_tasks_and_the_numbers_of_an_older_database_are_kept() {
    let connection = Connection::open(database()).unwrap();
    connection
        .execute_batch(concat!(
            include_str!("../migrations/01_create_tasks.sql"),
            include_str!("../migrations/02_add_instance.sql"),
            include_str!("../migrations/03_add_parameters.sql"),
            "INSERT INTO tasks (status, instance, created_at, updated_at)
             VALUES ('running', 'killed', 1, 4), ('waiting', NULL, 2, 2), ('waiting', NULL, 3, 3);
             DELETE FROM tasks WHERE id = 3;
             PRAGMA user_version = 3",
        ))
        .unwrap();

    let store = store();

    insta::assert_snapshot!(rows("tasks"), @r#"
    id | status | created_at | updated_at | instance | task_kind | task_parameters | scheduled_at | context
    1 | running | 1 | 4 | killed | waiting | {"waiting_time": 5} | 1 | {}
    2 | waiting | 2 | 2 | NULL | waiting | {"waiting_time": 5} | 2 | {}
    "#);
    insta::assert_snapshot!(rows("task_executions"), @"
    id | task_id | status | started_at | stopped_at | result | error | created_at | updated_at
    1 | 1 | running | 4 | NULL | NULL | NULL | 4 | 4
    ");
    assert_eq!(create_tasks(&store, 1).await, [4]);
}

#[tokio::test]
async fn no_number_is_given_twice_even_if_all_tasks_were_deleted_before_the_migration() {
    let connection = Connection::open(database()).unwrap();
    connection
        .execute_batch(concat!(
            include_str!("../migrations/01_create_tasks.sql"),
            include_str!("../migrations/02_add_instance.sql"),
            include_str!("../migrations/03_add_parameters.sql"),
            "INSERT INTO tasks (created_at, updated_at) VALUES (1, 1), (2, 2);
             DELETE FROM tasks;
             PRAGMA user_version = 3",
        ))
        .unwrap();

    assert_eq!(create_tasks(&store(), 1).await, [3]);
}

#[tokio::test]
async fn a_task_is_shown_with_its_executions() {
    let (store, clock) = store_with_clock();
    create_tasks(&store, 1).await;
    insta::assert_snapshot!(program(&["show", "1"]), @"
    task 1
      kind        test
      parameters  {}
      status      waiting
      instance    -
      created     2027-01-15 08:00:00.000 +00:00
      scheduled   2027-01-15 08:00:00.000 +00:00
    ");

    clock.advance(Duration::from_millis(250));
    acquire(&store).await.unwrap();
    clock.advance(Duration::from_millis(5030));
    end_with(&store, 1, r#"{"sent": 3}"#).await.unwrap();
    insta::assert_snapshot!(program(&["show", "1"]), @r#"
    task 1
      kind        test
      parameters  {}
      status      stopped
      instance    test
      created     2027-01-15 08:00:00.000 +00:00
      scheduled   2027-01-15 08:00:00.000 +00:00
    execution 1
      started     2027-01-15 08:00:00.250 +00:00
      stopped     2027-01-15 08:00:05.280 +00:00, after 5s 30ms
      status      success
      result      {"sent":3}
    "#);

    insta::assert_snapshot!(program(&["show", "2"]), @"error: there is no task 2");
}

#[tokio::test]
async fn tasks_are_listed_the_newest_first() {
    let (store, clock) = store_with_clock();
    insta::assert_snapshot!(program(&["list"]), @"task  status  created  kind  parameters");

    for _ in 0..4 {
        create_tasks(&store, 1).await;
        clock.advance(Duration::from_millis(1500));
    }
    acquire(&store).await.unwrap();
    acquire(&store).await.unwrap();
    end(&store, 1).await.unwrap();
    insta::assert_snapshot!(program(&["list"]), @"
    task  status   created              kind  parameters
       4  waiting  2027-01-15 08:00:04  test  {}
       3  waiting  2027-01-15 08:00:03  test  {}
       2  running  2027-01-15 08:00:01  test  {}
       1  stopped  2027-01-15 08:00:00  test  {}
    ");
    insta::assert_snapshot!(program(&["list", "--status", "waiting", "--limit", "1"]), @"
    task  status   created              kind  parameters
       4  waiting  2027-01-15 08:00:04  test  {}
    ");
    insta::assert_snapshot!(program(&["list", "--status", "sleeping"]), @"
    error: invalid value 'sleeping' for '--status <STATUS>'
      [possible values: waiting, running, stopped, failed]

    For more information, try '--help'.
    ");
}

#[test]
fn a_status_is_written_and_read_with_the_same_word() {
    for status in TaskStatus::ALL {
        assert_eq!(status.as_str().parse::<TaskStatus>().unwrap(), status);
    }
    let error = "sleeping".parse::<TaskStatus>().unwrap_err();
    insta::assert_snapshot!(error, @r#"unknown status "sleeping""#);
}
