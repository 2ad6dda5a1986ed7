//! An error or a panic in a task is recorded, and the task is executed again later.

mod common;

use std::collections::BTreeMap;
use std::fmt;
use std::panic::panic_any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use common::{acquire, at, create_tasks, database, end, new_task, program, rows, store};
use rusqlite::Connection;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use task_engine::{
    Clock, Config, Engine, ExecutionStatus, Handler, Outcome, Registry, RetryPolicy, Store, Task,
    TaskError, TaskHandler, TaskStatus,
};
use tokio::time::sleep;

/// 2027-01-15T08:00:00Z.
const START: i64 = 1_800_000_000_000;

/// An error that has a cause.
#[derive(Debug, thiserror::Error)]
#[error("no invoice for order {order}")]
struct NoInvoice {
    order: i64,
    source: std::num::ParseIntError,
}

fn no_invoice() -> Result<u32, NoInvoice> {
    "ten"
        .parse()
        .map_err(|source| NoInvoice { order: 3, source })
}

/// What is recorded of an error, without the backtrace, which is there only if it is asked for.
fn report(error: Option<&Value>) -> String {
    let mut report = error.unwrap().clone();
    report.as_object_mut().unwrap().remove("backtrace");
    report.to_string()
}

async fn last_report(store: &Store, id: i64) -> String {
    let (_, executions) = store.find_task(id).await.unwrap();
    let last = executions.last().unwrap();
    assert_eq!(last.status, ExecutionStatus::Failure);
    assert_eq!(last.result, None);
    report(last.error.as_ref())
}

/// Runs an engine on these tasks until all have been executed once.
async fn run_once(store: &Store, registry: Registry) {
    let config = Config {
        workers: 2,
        ..Config::default()
    };
    let engine = Engine::new("test", store.clone(), registry, config);
    let handle = engine.handle();
    let running = tokio::spawn(engine.run());
    let left = |store: Store| async move {
        store
            .transaction(|tx, _now| {
                let left = "SELECT count(*) FROM tasks WHERE status IN ('waiting', 'running')
                            AND context ->> 'retry_number' IS NULL";
                Ok::<i64, task_engine::Error>(tx.query_one(left, [], |row| row.get(0))?)
            })
            .await
            .unwrap()
    };
    while left(store.clone()).await > 0 {
        assert!(!running.is_finished(), "the engine has ended");
        sleep(Duration::from_millis(1)).await;
    }
    assert!(handle.is_running());
    handle.stop();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_error_is_recorded_with_its_causes() {
    let store = store();
    create_tasks(&store, 1).await;
    let handler = Handler::fallible(|_| async { Ok(no_invoice()?) });

    run_once(&store, Registry::default().with_handler("test", handler)).await;

    insta::assert_snapshot!(last_report(&store, 1).await, @r#"{"causes":["invalid digit found in string"],"message":"no invoice for order 3","type":"errors::NoInvoice"}"#);
    let log = common::log();
    let failed = log.lines().find(|line| line.contains("failed")).unwrap();
    let failed = failed.split(" elapsed_ms").next().unwrap();
    assert!(
        log.contains(r#"error="no invoice for order 3" retry=true"#),
        "{log}"
    );
    assert!(failed.ends_with("task failed worker=0 task=1"), "{failed}");
}

/// A value that panics when it is dropped.
#[derive(Serialize, Deserialize)]
struct Bomb {}

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "dropped");
    }
}

#[derive(Debug)]
struct Unspeakable;

impl fmt::Display for Unspeakable {
    fn fmt(&self, _f: &mut fmt::Formatter) -> fmt::Result {
        panic!("this error can't be written")
    }
}

impl std::error::Error for Unspeakable {}

struct Unwritable;

impl Serialize for Unwritable {
    fn serialize<S: Serializer>(&self, _serializer: S) -> Result<S::Ok, S::Error> {
        panic!("this result can't be written")
    }
}

async fn hostile(task: Task) -> Result<u32, TaskError> {
    match task.parameters.as_str() {
        r#"{"case": 1}"# => panic!("a constant message"),
        r#"{"case": 2}"# => panic!("a message made for task {}", task.id),
        r#"{"case": 3}"# => panic_any(42),
        r#"{"case": 4}"# => panic_any(Bomb {}),
        r#"{"case": 5}"# => {
            let _bomb = Bomb {};
            Ok(5)
        }
        r#"{"case": 6}"# => Err(Unspeakable)?,
        r#"{"case": 7}"# => {
            let none: [u32; 0] = [];
            Ok(none[task.parameters.len() - 11])
        }
        _ => Ok(0),
    }
}

#[derive(Serialize, Deserialize)]
struct BombTask {
    bomb: Bomb,
}

impl TaskHandler for BombTask {
    const KIND: &'static str = "bomb";
    type Output = ();

    async fn execute(self, _task: &Task) -> Result<(), TaskError> {
        Ok(())
    }
}

#[tokio::test]
async fn a_panic_is_recorded_and_the_other_tasks_go_on() {
    let store = store();
    for case in 1..=7 {
        let task = new_task("hostile", &format!(r#"{{"case": {case}}}"#));
        store.create_new_task(task).await.unwrap();
    }
    let bomb = new_task("bomb", r#"{"bomb": {}}"#);
    store.create_new_task(bomb).await.unwrap();
    for kind in ["at once", "unwritable", "test"] {
        store.create_new_task(new_task(kind, "{}")).await.unwrap();
    }
    let at_once = |_| -> std::future::Ready<()> { panic!("before the first await") };

    let registry = Registry::default()
        .with_handler("hostile", Handler::fallible(hostile))
        .with::<BombTask>()
        .with_handler("at once", Handler::new(at_once))
        .with_handler("unwritable", Handler::new(|_| async { Unwritable }))
        .with_handler("test", Handler::new(|_| async {}));
    run_once(&store, registry).await;

    let mut reports = Vec::new();
    for id in 1..=10 {
        let (task, executions) = store.find_task(id).await.unwrap();
        assert_eq!(task.status, TaskStatus::Waiting, "{executions:?}");
        assert_eq!(executions.len(), 1);
        reports.push(format!("{id} {}", last_report(&store, id).await));
    }
    insta::assert_snapshot!(reports.join("\n"));
    let (unharmed, _) = store.find_task(11).await.unwrap();
    assert_eq!(unharmed.status, TaskStatus::Stopped);
}

#[tokio::test]
async fn a_result_that_json_cannot_hold_fails_its_task() {
    let store = store();
    create_tasks(&store, 1).await;
    let handler = Handler::new(|_| async { BTreeMap::from([((1, 2), 3)]) });

    run_once(&store, Registry::default().with_handler("test", handler)).await;

    assert_eq!(store.count_tasks(TaskStatus::Failed).await.unwrap(), 1);
    insta::assert_snapshot!(last_report(&store, 1).await, @r#"{"causes":["key must be a string"],"message":"the result of the task can't be written as JSON: key must be a string","type":"task_engine::error::Error"}"#);
}

#[tokio::test]
async fn a_long_message_is_kept_and_so_is_a_strange_one() {
    let store = store();
    let messages = ["é".repeat(500_000), "\0\"\n\u{202e}\u{1b}[31m".to_owned()];
    for message in messages {
        let id = create_tasks(&store, 1).await[0];
        acquire(&store).await.unwrap();
        let error = std::io::Error::other(message.clone()).into();
        fail(&store, id, error, &RetryPolicy::default()).await;

        let (_, executions) = store.find_task(id).await.unwrap();
        let error = executions[0].error.as_ref().unwrap();
        assert!(error["message"] == message.as_str());
    }
}

async fn fail(store: &Store, id: i64, error: TaskError, retry: &RetryPolicy) -> TaskStatus {
    store.end_task(id, Err(error), retry).await.unwrap()
}

#[derive(Serialize, Deserialize)]
struct OnceTask {}

impl TaskHandler for OnceTask {
    const KIND: &'static str = "once";
    const RETRY: bool = false;
    type Output = ();

    async fn execute(self, _task: &Task) -> Result<(), TaskError> {
        panic!("never again")
    }
}

#[tokio::test]
async fn neither_a_kind_nor_an_error_that_says_so_is_retried() {
    let store = store();
    store.create_task(&OnceTask {}).await.unwrap();
    create_tasks(&store, 1).await;
    let permanent = Handler::fallible(|_| async { no_invoice().map_err(TaskError::permanent) });

    let registry = Registry::default()
        .with::<OnceTask>()
        .with_handler("test", permanent);
    run_once(&store, registry).await;

    for id in 1..=2 {
        let (task, executions) = store.find_task(id).await.unwrap();
        assert_eq!(task.status, TaskStatus::Failed);
        assert_eq!(executions.len(), 1);
    }
}

fn set(clock: &Clock, time: i64) {
    let Clock::Manual(now) = clock else {
        panic!("nobody sets the clock of the system");
    };
    now.store(time, Ordering::SeqCst);
}

/// Runs an engine whose tasks fail so many times, for all the time that it takes, and tells what
/// it did and when.
async fn story(failures: u32) -> String {
    let _store = store();
    let clock = Clock::manual(at(START));
    let store = Store::open_with_clock(database(), clock.clone()).unwrap();
    create_tasks(&store, 1).await;
    let executions = Arc::new(AtomicU32::new(0));
    let handler = Handler::fallible(move |_| {
        let execution = executions.fetch_add(1, Ordering::SeqCst);
        async move {
            if execution < failures {
                Ok(no_invoice()?)
            } else {
                Ok(1)
            }
        }
    });
    let config = Config {
        workers: 1,
        watch_interval: Duration::MAX,
        wake_up_interval: Duration::from_millis(50),
        ..Config::default()
    };
    let registry = Registry::default().with_handler("test", handler);
    let engine = Engine::new("test", store.clone(), registry, config);
    let handle = engine.handle();
    let running = tokio::spawn(engine.run());
    let mut told = Vec::new();
    // Long enough for the engine to see that the clock was set.
    let wake_up = Duration::from_millis(60);
    loop {
        sleep(wake_up).await;
        let (task, executions) = store.find_task(1).await.unwrap();
        let minutes = (clock.now().as_millisecond() - START) / 60_000;
        let last = executions.last().unwrap().status.as_str();
        let (count, status) = (executions.len(), task.status.as_str());
        told.push(format!(
            "after {minutes} minutes, execution {count}: {last}, task {status}"
        ));
        if task.status != TaskStatus::Waiting {
            break;
        }
        set(&clock, task.scheduled_at.as_millisecond() - 1);
        sleep(wake_up).await;
        let (_, executions) = store.find_task(1).await.unwrap();
        assert_eq!(executions.len(), count, "it was retried too early");
        set(&clock, task.scheduled_at.as_millisecond());
    }
    set(&clock, i64::MAX);
    sleep(Duration::from_mins(1)).await;
    handle.stop();
    running.await.unwrap().unwrap();
    told.join("\n")
}

#[tokio::test(start_paused = true)]
async fn a_task_is_retried_ten_times_then_has_failed() {
    insta::assert_snapshot!(story(u32::MAX).await, @"
    after 0 minutes, execution 1: failure, task waiting
    after 1 minutes, execution 2: failure, task waiting
    after 3 minutes, execution 3: failure, task waiting
    after 7 minutes, execution 4: failure, task waiting
    after 15 minutes, execution 5: failure, task waiting
    after 31 minutes, execution 6: failure, task waiting
    after 63 minutes, execution 7: failure, task waiting
    after 127 minutes, execution 8: failure, task waiting
    after 255 minutes, execution 9: failure, task waiting
    after 511 minutes, execution 10: failure, task waiting
    after 1023 minutes, execution 11: failure, task failed
    ");
    let columns = "status, instance, context FROM tasks";
    insta::assert_snapshot!(select(columns), @r#"[Some("failed"), Some("test"), Some("{\"retry_number\":10}")]"#);
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_succeeds_ends_the_task() {
    insta::assert_snapshot!(story(2).await, @"
    after 0 minutes, execution 1: failure, task waiting
    after 1 minutes, execution 2: failure, task waiting
    after 3 minutes, execution 3: success, task stopped
    ");
    insta::assert_snapshot!(select("status, context FROM tasks"), @r#"[Some("stopped"), Some("{\"retry_number\":2}")]"#);
}

/// The first row, as text.
fn select(what: &str) -> String {
    let connection = Connection::open(database()).unwrap();
    let select = format!("SELECT {what}");
    let mut select = connection.prepare(&select).unwrap();
    let columns = select.column_count();
    let row = select.query_one([], |row| {
        (0..columns)
            .map(|column| row.get::<_, Option<String>>(column))
            .collect::<rusqlite::Result<Vec<_>>>()
    });
    format!("{:?}", row.unwrap())
}

#[tokio::test]
async fn a_task_that_waits_for_a_retry_belongs_to_no_engine() {
    let store = Store::open_with_clock(database(), Clock::manual(at(START))).unwrap();
    create_tasks(&store, 1).await;
    acquire(&store).await.unwrap();
    let policy = RetryPolicy {
        max_retries: 1,
        first_delay: Duration::from_millis(1500),
    };

    let status = fail(&store, 1, no_invoice().unwrap_err().into(), &policy).await;

    assert_eq!(status, TaskStatus::Waiting);
    insta::assert_snapshot!(rows("tasks"), @r#"
    id | status | created_at | updated_at | instance | task_kind | task_parameters | scheduled_at | context
    1 | waiting | 1800000000000 | 1800000000000 | NULL | test | {} | 1800000001500 | {"retry_number":1}
    "#);
    assert!(store.running_tasks("test").await.unwrap().is_empty());
}

#[test]
fn a_policy_gives_its_delays_and_no_more() {
    let minutes = |retries| {
        let delay = RetryPolicy::default().delay(retries);
        delay.map(|delay| delay.as_secs() / 60)
    };
    let delays: Vec<_> = (0..=10).map_while(minutes).collect();
    assert_eq!(delays, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]);
    assert_eq!(delays.iter().sum::<u64>(), 1023);
    assert_eq!(minutes(10), None);
    assert_eq!(minutes(u32::MAX), None);

    let endless = RetryPolicy {
        max_retries: u32::MAX,
        first_delay: Duration::from_secs(u64::MAX),
    };
    assert_eq!(endless.delay(1000), Some(Duration::MAX));
}

#[tokio::test]
async fn a_delay_without_end_is_not_too_long_for_the_database() {
    let store = store();
    create_tasks(&store, 1).await;
    acquire(&store).await.unwrap();
    let policy = RetryPolicy {
        max_retries: 1,
        first_delay: Duration::MAX,
    };

    fail(&store, 1, no_invoice().unwrap_err().into(), &policy).await;

    let (task, _) = store.find_task(1).await.unwrap();
    assert_eq!(task.scheduled_at, at(i64::MAX));
}

/// Whatever the outcome, the execution and its task change together, or not at all.
#[tokio::test]
async fn an_ending_is_written_as_a_whole_or_not_at_all() {
    let store = store();
    create_tasks(&store, 1).await;
    acquire(&store).await.unwrap();
    let connection = Connection::open(database()).unwrap();
    for table in ["tasks", "task_executions"] {
        let refuse = format!(
            "CREATE TRIGGER refuse BEFORE UPDATE ON {table}
             BEGIN SELECT RAISE(ABORT, 'refused'); END"
        );
        connection.execute_batch(&refuse).unwrap();
        let before = (rows("tasks"), rows("task_executions"));
        let outcomes: [Outcome; 3] = [
            Ok("null".to_owned()),
            Err(no_invoice().unwrap_err().into()),
            Err(TaskError::permanent(no_invoice().unwrap_err())),
        ];
        for outcome in outcomes {
            let ended = store.end_task(1, outcome, &RetryPolicy::default()).await;
            assert!(ended.unwrap_err().to_string().contains("refused"));
            assert_eq!((rows("tasks"), rows("task_executions")), before);
        }
        connection.execute_batch("DROP TRIGGER refuse").unwrap();
    }
    end(&store, 1).await.unwrap();
}

#[tokio::test]
async fn the_tasks_and_the_executions_of_an_older_database_are_kept() {
    let connection = Connection::open(database()).unwrap();
    connection
        .execute_batch(concat!(
            include_str!("../migrations/01_create_tasks.sql"),
            include_str!("../migrations/02_add_instance.sql"),
            include_str!("../migrations/03_add_parameters.sql"),
            include_str!("../migrations/04_add_executions.sql"),
            include_str!("../migrations/05_add_schedule.sql"),
            "INSERT INTO tasks
                (status, instance, created_at, updated_at, task_kind, task_parameters, scheduled_at)
             VALUES ('stopped', 'one', 1, 4, 'test', '{}', 1),
                ('running', 'two', 2, 5, 'test', '{}', 2),
                ('waiting', NULL, 3, 3, 'test', '{\"n\": 1}', 9),
                ('waiting', NULL, 4, 4, 'test', '{}', 10);
             DELETE FROM tasks WHERE id = 4;
             INSERT INTO task_executions
                (task_id, started_at, stopped_at, result, created_at, updated_at)
             VALUES (1, 3, 4, 'true', 3, 4), (2, 5, NULL, NULL, 5, 5);
             PRAGMA user_version = 5",
        ))
        .unwrap();

    let store = store();

    insta::assert_snapshot!(rows("tasks"), @r#"
    id | status | created_at | updated_at | instance | task_kind | task_parameters | scheduled_at | context
    1 | stopped | 1 | 4 | one | test | {} | 1 | {}
    2 | running | 2 | 5 | two | test | {} | 2 | {}
    3 | waiting | 3 | 3 | NULL | test | {"n": 1} | 9 | {}
    "#);
    insta::assert_snapshot!(rows("task_executions"), @"
    id | task_id | status | started_at | stopped_at | result | error | created_at | updated_at
    1 | 1 | success | 3 | 4 | true | NULL | 3 | 4
    2 | 2 | running | 5 | NULL | NULL | NULL | 5 | 5
    ");
    assert_eq!(create_tasks(&store, 1).await, [5]);
    let orphan = "INSERT INTO task_executions (task_id, started_at, created_at, updated_at)
                  VALUES (4, 0, 0, 0)";
    connection.execute(orphan, []).unwrap_err();
}

#[tokio::test]
async fn an_error_is_shown_with_its_execution() {
    let store = Store::open_with_clock(database(), Clock::manual(at(START))).unwrap();
    create_tasks(&store, 1).await;
    acquire(&store).await.unwrap();
    let retry = RetryPolicy::default();
    fail(&store, 1, no_invoice().unwrap_err().into(), &retry).await;
    let with_backtrace = "UPDATE task_executions SET error = json_set(error, '$.backtrace', ?1)";
    let connection = Connection::open(database()).unwrap();
    connection.execute(with_backtrace, ["   0: main"]).unwrap();

    insta::assert_snapshot!(program(&["show", "1"]), @"
    task 1
      kind        test
      parameters  {}
      status      waiting
      instance    -
      created     2027-01-15 08:00:00.000 +00:00
      scheduled   2027-01-15 08:01:00.000 +00:00
      retries     1
    execution 1
      started     2027-01-15 08:00:00.000 +00:00
      stopped     2027-01-15 08:00:00.000 +00:00, after 0s
      status      failure
      error       errors::NoInvoice: no invoice for order 3
      caused by   invalid digit found in string
       0: main
    ");
}

#[test]
fn a_status_is_written_and_read_with_the_same_word() {
    for word in ["running", "success", "failure"] {
        assert_eq!(word.parse::<ExecutionStatus>().unwrap().as_str(), word);
    }
    "stopped".parse::<ExecutionStatus>().unwrap_err();
}
