//! A task can be created to be executed later, at a given time.

mod common;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{
    acquire, at, create_tasks, database, new_task, program, query_plans, rows, statements, store,
};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use task_engine::{
    Clock, Config, Engine, EngineHandle, Error, Handler, Registry, Store, Task, TaskError,
    TaskHandler, TaskStatus,
};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// 2027-01-15T08:00:00Z.
const START: i64 = 1_800_000_000_000;
const SECOND: i64 = 1000;
const MILLISECOND: Duration = Duration::from_millis(1);

/// How much later than its time a task may start, in milliseconds: the clock of the store and
/// that of tokio don't move at the same instant.
const TOLERANCE: i64 = 5;

fn store_with(clock: &Clock) -> Store {
    let _store = store();
    Store::open_with_clock(database(), clock.clone()).unwrap()
}

/// A clock that moves with tokio's, which is paused: time passes when everybody sleeps.
fn moving_clock() -> Clock {
    let clock = Clock::manual(at(START));
    let moved = clock.clone();
    tokio::spawn(async move {
        loop {
            sleep(MILLISECOND).await;
            moved.advance(MILLISECOND);
        }
    });
    clock
}

async fn create_at(store: &Store, scheduled_at: i64) -> i64 {
    let mut task = new_task("test", "{}");
    task.scheduled_at = Some(at(scheduled_at));
    store.create_new_task(task).await.unwrap()
}

/// An engine that runs, and notes when it executes each task.
struct Running {
    handle: EngineHandle,
    joined: JoinHandle<Result<(), Error>>,
    executed: Arc<Mutex<Vec<(i64, i64)>>>,
}

/// No periodic wake-up, nor any watch: workers have to know by themselves when to wake.
fn unaided() -> Config {
    Config {
        watch_interval: Duration::MAX,
        wake_up_interval: Duration::MAX,
        ..Config::default()
    }
}

impl Running {
    /// Tasks that say that they are long take ten seconds.
    fn start(store: &Store, clock: &Clock, config: Config) -> Self {
        let executed = Arc::new(Mutex::new(Vec::new()));
        let (trace, clock) = (executed.clone(), clock.clone());
        let handler = Handler::new(move |task| {
            trace
                .lock()
                .unwrap()
                .push((task.id, clock.now().as_millisecond()));
            let long = task.parameters.contains("long");
            async move {
                if long {
                    sleep(Duration::from_secs(10)).await;
                }
            }
        });
        let registry = Registry::default().with_handler("test", handler);
        let engine = Engine::new("test", store.clone(), registry, config);
        Self {
            handle: engine.handle(),
            joined: tokio::spawn(engine.run()),
            executed,
        }
    }

    fn executed(&self) -> Vec<(i64, i64)> {
        self.executed.lock().unwrap().clone()
    }

    async fn stop(self) -> Vec<(i64, i64)> {
        self.handle.stop();
        self.joined.await.unwrap().unwrap();
        self.executed.lock().unwrap().clone()
    }
}

/// Checks that these tasks, and no others, were executed, each at its time.
fn assert_on_time(executed: &[(i64, i64)], expected: &[(i64, i64)]) {
    let on_time = |(executed, at): &(i64, i64), (expected, due): &(i64, i64)| {
        executed == expected && (*due..=due + TOLERANCE).contains(at)
    };
    assert!(
        executed.len() == expected.len()
            && executed
                .iter()
                .zip(expected)
                .all(|(executed, expected)| on_time(executed, expected)),
        "executed: {executed:?}, expected: {expected:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_task_runs_when_it_is_due_and_never_before() {
    let clock = moving_clock();
    let store = store_with(&clock);
    create_at(&store, START + 3 * SECOND).await;
    create_at(&store, START + 7 * SECOND).await;

    let running = Running::start(&store, &clock, unaided());
    sleep(Duration::from_secs(8)).await;

    let expected = [(1, START + 3 * SECOND), (2, START + 7 * SECOND)];
    assert_on_time(&running.stop().await, &expected);
}

#[tokio::test(start_paused = true)]
async fn a_sleeping_engine_hears_of_a_future_task_of_another_process() {
    let clock = moving_clock();
    let store = store_with(&clock);
    let config = Config {
        watch_interval: MILLISECOND,
        ..unaided()
    };
    let running = Running::start(&store, &clock, config);
    sleep(Duration::from_secs(1)).await;

    create_at(&store_with(&clock), START + 3 * SECOND).await;
    sleep(Duration::from_secs(3)).await;

    assert_on_time(&running.stop().await, &[(1, START + 3 * SECOND)]);
}

/// One commit wakes one worker, which then has two tasks to wake for; the first is long.
#[tokio::test(start_paused = true)]
async fn a_worker_that_is_busy_leaves_the_next_task_to_another() {
    let clock = moving_clock();
    let store = store_with(&clock);
    let config = Config {
        watch_interval: MILLISECOND,
        ..unaided()
    };
    let running = Running::start(&store, &clock, config);
    sleep(Duration::from_secs(1)).await;

    let (first, second) = (START + 3 * SECOND, START + 5 * SECOND);
    Connection::open(database())
        .unwrap()
        .execute_batch(&format!(
            r#"INSERT INTO tasks
                (scheduled_at, task_kind, task_parameters, created_at, updated_at)
               VALUES ({first}, 'test', '{{"long": true}}', 0, 0), ({second}, 'test', '{{}}', 0, 0)"#
        ))
        .unwrap();
    sleep(Duration::from_secs(5)).await;

    assert_on_time(&running.stop().await, &[(1, first), (2, second)]);
}

#[tokio::test(start_paused = true)]
async fn a_scheduled_task_survives_a_restart() {
    let clock = moving_clock();
    let store = store_with(&clock);
    create_at(&store, START + 5 * SECOND).await;
    let running = Running::start(&store, &clock, unaided());
    sleep(Duration::from_secs(1)).await;
    assert_eq!(running.stop().await, []);
    drop(store);

    let store = store_with(&clock);
    let running = Running::start(&store, &clock, unaided());
    sleep(Duration::from_secs(5)).await;

    assert_on_time(&running.stop().await, &[(1, START + 5 * SECOND)]);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_waits_for_a_time_stops_at_once() {
    let clock = moving_clock();
    let store = store_with(&clock);
    create_at(&store, START + 3600 * SECOND).await;
    let running = Running::start(&store, &clock, unaided());
    sleep(Duration::from_secs(1)).await;

    let asked_at = Instant::now();
    assert_eq!(running.stop().await, []);
    assert!(asked_at.elapsed() <= MILLISECOND);
    assert_eq!(store.count_tasks(TaskStatus::Waiting).await.unwrap(), 1);
}

#[tokio::test]
async fn tasks_that_are_due_go_in_the_order_of_their_time_then_of_their_number() {
    let clock = Clock::manual(at(START));
    let store = store_with(&clock);
    for seconds in [-1, -2, -2, 0, 1, -4_000_000_000] {
        create_at(&store, START + seconds * SECOND).await;
    }

    let mut order = Vec::new();
    while let Some(task) = acquire(&store).await {
        order.push(task.id);
    }

    assert_eq!(order, [6, 2, 3, 1, 4]);
    clock.advance(Duration::from_millis(999));
    assert_eq!(acquire(&store).await, None);
    clock.advance(MILLISECOND);
    assert_eq!(acquire(&store).await.map(|task| task.id), Some(5));
}

/// Neither a time that is far away, nor a task that is due but not for this engine, keeps the
/// workers busy.
#[tokio::test(start_paused = true)]
async fn an_engine_without_a_task_that_is_due_only_wakes_now_and_then() {
    let clock = moving_clock();
    let other = store_with(&clock);
    create_at(&other, 253_402_207_200_000).await; // 9999-12-30T22:00:00Z
    create_at(&other, i64::MAX).await;
    let of_another_engine = new_task("other", "{}");
    other.create_new_task(of_another_engine).await.unwrap();

    let store = store_with(&clock);
    let sent = statements(&store, async {
        let config = Config {
            workers: 1,
            ..Config::default()
        };
        let running = Running::start(&store, &clock, config);
        sleep(Duration::from_secs(65)).await;
        assert_eq!(running.stop().await, []);
    });

    let searches = sent.await;
    let searches = searches
        .iter()
        .filter(|sql| sql.contains("scheduled_at <= "));
    assert_eq!(searches.count(), 1 + 6);
}

#[tokio::test]
async fn the_time_to_the_next_task_is_never_negative_nor_too_large() {
    let clock = Clock::manual(at(-1));
    let store = store_with(&clock);
    let kinds = ["test".to_owned()];
    assert_eq!(store.time_to_next_task(&kinds).await.unwrap(), None);

    create_at(&store, i64::MAX).await;
    let far = store.time_to_next_task(&kinds).await.unwrap().unwrap();
    assert!(far > Duration::from_hours(60_000_000));

    create_at(&store, 41).await;
    let near = store.time_to_next_task(&kinds).await.unwrap().unwrap();
    assert_eq!(near, Duration::from_millis(42));

    create_at(&store, i64::MIN).await;
    let now = store.time_to_next_task(&kinds).await.unwrap().unwrap();
    assert_eq!(now, Duration::ZERO);
}

fn set(clock: &Clock, time: i64) {
    let Clock::Manual(now) = clock else {
        panic!("nobody sets the clock of the system");
    };
    now.store(time, Ordering::SeqCst);
}

/// Somebody sets the clock: the periodic wake-up notices.
#[tokio::test(start_paused = true)]
async fn a_task_follows_the_clock_when_it_is_set() {
    let clock = Clock::manual(at(START));
    let store = store_with(&clock);
    create_at(&store, START + SECOND).await;
    let running = Running::start(&store, &clock, Config::default());
    sleep(Duration::from_millis(500)).await;

    set(&clock, START - 3600 * SECOND);
    sleep(Duration::from_mins(1)).await;
    assert_eq!(running.executed(), []);

    set(&clock, START + SECOND);
    sleep(Duration::from_secs(10)).await;
    assert_eq!(running.stop().await, [(1, START + SECOND)]);
}

#[derive(Serialize, Deserialize)]
struct ReminderTask {
    text: String,
}

impl TaskHandler for ReminderTask {
    const KIND: &'static str = "reminder";
    type Output = ();

    async fn execute(self, _task: &Task) -> Result<(), TaskError> {
        Ok(())
    }
}

#[tokio::test]
async fn a_task_is_due_at_once_unless_it_is_said_otherwise() {
    let store = store_with(&Clock::manual(at(START)));
    let reminder = |text: &str| ReminderTask {
        text: text.to_owned(),
    };
    store.create_task(&reminder("now")).await.unwrap();
    let later = START + 60 * SECOND;
    store
        .create_task_at(&reminder("later"), at(later))
        .await
        .unwrap();

    insta::assert_snapshot!(rows("tasks"), @r#"
    id | status | created_at | updated_at | instance | task_kind | task_parameters | scheduled_at | context
    1 | waiting | 1800000000000 | 1800000000000 | NULL | reminder | {"text":"now"} | 1800000000000 | {}
    2 | waiting | 1800000000000 | 1800000000000 | NULL | reminder | {"text":"later"} | 1800000060000 | {}
    "#);
}

#[tokio::test]
async fn tasks_that_are_not_due_are_not_in_the_way() {
    let store = store();
    create_tasks(&store, 1).await;

    let plans = query_plans(&store, async {
        acquire(&store).await.unwrap();
        let kinds = ["test".to_owned()];
        store.time_to_next_task(&kinds).await.unwrap();
    });

    insta::assert_snapshot!(plans.await);
}

#[tokio::test]
async fn the_tasks_of_a_database_without_times_are_due_since_their_creation() {
    let connection = Connection::open(database()).unwrap();
    connection
        .execute_batch(concat!(
            include_str!("../migrations/01_create_tasks.sql"),
            include_str!("../migrations/02_add_instance.sql"),
            include_str!("../migrations/03_add_parameters.sql"),
            include_str!("../migrations/04_add_executions.sql"),
            "INSERT INTO tasks (created_at, updated_at, task_kind, task_parameters)
             VALUES (42, 43, 'test', '{}');
             PRAGMA user_version = 4",
        ))
        .unwrap();

    let store = store();

    insta::assert_snapshot!(rows("tasks"), @"
    id | status | created_at | updated_at | instance | task_kind | task_parameters | scheduled_at | context
    1 | waiting | 42 | 43 | NULL | test | {} | 42 | {}
    ");
    assert_eq!(acquire(&store).await.map(|task| task.id), Some(1));
}

/// Creates a task with the program, and gives its time, in milliseconds since the Unix epoch.
fn created_with(arguments: &[&str]) -> i64 {
    let command = ["create", "waiting", r#"{"waiting_time": 0}"#];
    let said = program(&[&command, arguments].concat());
    assert!(said.ends_with("created\n"), "{said}");
    let last = "SELECT scheduled_at FROM tasks ORDER BY id DESC LIMIT 1";
    let connection = Connection::open(database()).unwrap();
    connection.query_one(last, [], |row| row.get(0)).unwrap()
}

#[test]
fn a_time_is_given_as_a_date_or_as_a_duration() {
    assert_eq!(created_with(&["--at", "2027-01-15T08:00:00Z"]), START);
    assert_eq!(
        created_with(&["--at", "2027-01-15T10:00:00.5+02:00"]),
        START + 500
    );
    assert_eq!(created_with(&["--at", "1969-12-31T23:59:59Z"]), -1000);

    for (duration, seconds) in [
        ("30s", 30),
        ("1h 30m", 5400),
        ("2 days", 172_800),
        ("PT5M", 300),
        ("-1h", -3600),
    ] {
        let before = Clock::System.now().as_millisecond();
        let scheduled_at = created_with(&[&format!("--in={duration}")]) - seconds * SECOND;
        assert!(
            (before..=Clock::System.now().as_millisecond()).contains(&scheduled_at),
            "{duration}"
        );
    }
}

#[test]
fn nonsense_is_refused() {
    let refusal = |arguments: &[&str]| {
        let command = ["create", "waiting", r#"{"waiting_time": 0}"#];
        let said = program(&[&command, arguments].concat());
        said.lines().next().unwrap_or_default().to_owned()
    };

    insta::assert_snapshot!(refusal(&["--at", "tomorrow"]), @"error: invalid value 'tomorrow' for '--at <DATE>': not a date such as 2030-01-01T00:00:00Z");
    insta::assert_snapshot!(refusal(&["--at", "2030-01-01"]), @"error: invalid value '2030-01-01' for '--at <DATE>': not a date such as 2030-01-01T00:00:00Z");
    insta::assert_snapshot!(refusal(&["--at", "99999-01-01T00:00:00Z"]), @"error: invalid value '99999-01-01T00:00:00Z' for '--at <DATE>': not a date such as 2030-01-01T00:00:00Z");
    insta::assert_snapshot!(refusal(&["--in", "soon"]), @"error: invalid value 'soon' for '--in <DURATION>': not a duration such as 30s, 1h 30m or 2 days");
    insta::assert_snapshot!(refusal(&["--in", "1 month"]), @"error: invalid value '1 month' for '--in <DURATION>': not a duration such as 30s, 1h 30m or 2 days");
    insta::assert_snapshot!(refusal(&["--in", "90000000 hours"]), @"error: invalid value '90000000 hours' for '--in <DURATION>': too far away");
    insta::assert_snapshot!(refusal(&["--at", "2030-01-01T00:00:00Z", "--in", "30s"]), @"error: the argument '--at <DATE>' cannot be used with '--in <DURATION>'");
}
