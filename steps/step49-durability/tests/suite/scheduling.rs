//! A task is not executed before its time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use step49_durability::{Clock, Config, Engine, EngineHandle, Error, Handler, Registry, Store};
use tokio::task::{JoinHandle, yield_now};

use crate::common::{acquire, connection, database, new_task, rows, statements, store, until};
use crate::inspection::program;

const SECOND: Duration = Duration::from_secs(1);

fn start() -> Timestamp {
    "2030-01-01T00:00:00Z".parse().unwrap()
}

fn store_with(clock: &Clock) -> Store {
    let _log = store();
    Store::open_with_clock(database(), clock.clone()).unwrap()
}

async fn create_at(store: &Store, at: Timestamp) -> i64 {
    store.create(new_task().at(at)).await.unwrap()
}

/// An engine that runs, and notes which tasks it executes, and when.
struct Running {
    handle: EngineHandle,
    joined: JoinHandle<Result<(), Error>>,
    executed: Arc<Mutex<Vec<(i64, Timestamp)>>>,
}

impl Running {
    /// Its workers are told of nothing by a periodic wake-up, nor by the watcher.
    fn start(store: &Store, clock: &Clock, workers: u16) -> Self {
        let executed = Arc::new(Mutex::new(Vec::new()));
        let (trace, clock) = (executed.clone(), clock.clone());
        let handler = Handler::new(move |context| {
            trace.lock().unwrap().push((context.task.id, clock.now()));
            async {}
        });
        let hour = Duration::from_hours(1);
        let config = Config {
            instance: "test".to_owned(),
            workers,
            watch_interval: hour,
            wake_up_interval: hour,
            ..Config::default()
        };
        let registry = Registry::default().with_handler("test", handler);
        let engine = Engine::new(store.clone(), registry, config);
        Self {
            handle: engine.handle(),
            joined: tokio::spawn(engine.run()),
            executed,
        }
    }

    fn executed(&self) -> Vec<(i64, Timestamp)> {
        self.executed.lock().unwrap().clone()
    }

    async fn stop(self) -> Vec<(i64, Timestamp)> {
        self.handle.stop();
        self.joined.await.unwrap().unwrap();
        self.executed.lock().unwrap().clone()
    }
}

/// Lets the workers fall asleep.
async fn fall_asleep(store: &Store) {
    for _ in 0..10 {
        yield_now().await;
        store.waiting_kinds().await.unwrap();
        store.transaction(|_| Ok(())).await.unwrap();
    }
}

#[tokio::test]
async fn a_task_runs_when_it_is_due_and_never_before() {
    let clock = Clock::manual(start());
    let store = store_with(&clock);
    let running = Running::start(&store, &clock, 3);
    let due = start() + 5 * SECOND;
    let id = create_at(&store, due).await;
    for _ in 0..4 {
        fall_asleep(&store).await;
        clock.advance(SECOND);
    }
    fall_asleep(&store).await;
    assert_eq!(running.executed(), []);

    clock.advance(SECOND);
    until(|| !running.executed().is_empty()).await;

    assert_eq!(running.stop().await, [(id, due)]);
}

#[tokio::test]
async fn a_task_that_is_due_earlier_sets_the_alarm_again() {
    let clock = Clock::manual(start());
    let store = store_with(&clock);
    let running = Running::start(&store, &clock, 3);
    let last = create_at(&store, start() + 30 * SECOND).await;
    fall_asleep(&store).await;
    let first = create_at(&store, start() + 10 * SECOND).await;
    fall_asleep(&store).await;

    clock.advance(10 * SECOND);
    until(|| running.executed().len() == 1).await;
    fall_asleep(&store).await;
    clock.advance(20 * SECOND);
    until(|| running.executed().len() == 2).await;

    let executed = running.stop().await;
    assert_eq!(
        executed,
        [
            (first, start() + 10 * SECOND),
            (last, start() + 30 * SECOND)
        ]
    );
}

/// The worker that takes the first one doesn't look again before the second one is due.
#[tokio::test]
async fn each_of_two_tasks_runs_at_its_time() {
    let clock = Clock::manual(start());
    let store = store_with(&clock);
    create_at(&store, start()).await;
    create_at(&store, start() + SECOND).await;
    let waits = clock.clone();
    let executed = Arc::new(Mutex::new(Vec::new()));
    let trace = executed.clone();
    let handler = Handler::new(move |context| {
        trace.lock().unwrap().push(context.task.id);
        let clock = waits.clone();
        async move {
            if context.task.id == 1 {
                clock.sleep_until(start() + 60 * SECOND).await;
            }
        }
    });
    let config = Config {
        instance: "test".to_owned(),
        watch_interval: Duration::from_hours(1),
        ..Config::default()
    };
    let registry = Registry::default().with_handler("test", handler);
    let engine = Engine::new(store.clone(), registry, config);
    let handle = engine.handle();
    let joined = tokio::spawn(engine.run());
    until(|| executed.lock().unwrap().len() == 1).await;
    fall_asleep(&store).await;

    clock.advance(SECOND);
    until(|| executed.lock().unwrap().len() == 2).await;

    clock.advance(60 * SECOND);
    handle.stop();
    joined.await.unwrap().unwrap();
}

#[tokio::test]
async fn tasks_run_in_the_order_of_their_times() {
    let clock = Clock::manual(start());
    let store = store_with(&clock);
    let third = create_at(&store, start() - SECOND).await;
    let first = create_at(&store, start() - 3 * SECOND).await;
    let second = create_at(&store, start() - 3 * SECOND).await;
    create_at(&store, start() + SECOND).await;
    for expected in [first, second, third] {
        assert_eq!(acquire(&store).await.unwrap().id, expected);
    }
    assert!(acquire(&store).await.is_none());
}

#[tokio::test]
async fn a_row_without_a_time_is_due_at_once() {
    let store = store();
    let insert = "INSERT INTO tasks (task_kind, task_parameters, created_at, updated_at)
                  VALUES ('test', '{}', 9000000000000, 9000000000000)";
    connection().execute_batch(insert).unwrap();
    assert!(acquire(&store).await.is_some());
}

/// For it, for the next one, and once it has ended.
#[tokio::test]
async fn a_task_that_falls_due_costs_three_looks_whatever_the_number_of_workers() {
    let clock = Clock::manual(start());
    let store = store_with(&clock);
    let running = Running::start(&store, &clock, 20);
    create_at(&store, start() + SECOND).await;
    fall_asleep(&store).await;

    let asked = statements(&store, async {
        clock.advance(SECOND);
        until(|| !running.executed().is_empty()).await;
        fall_asleep(&store).await;
    })
    .await;

    let looks = asked
        .iter()
        .filter(|sql| sql.starts_with("SELECT task_kind FROM limited_kinds"));
    assert_eq!(looks.count(), 3, "{asked:#?}");
    running.stop().await;
}

#[tokio::test]
async fn times_are_asked_for_on_the_command_line() {
    drop(store());
    let create =
        |option, value| program(&["create", "waiting", r#"{"waiting_time": 0}"#, option, value]);
    assert_eq!(
        create("--at", "2030-01-01T01:00:00+01:00"),
        "1 task created\n"
    );
    assert_eq!(create("--in", "2 days 1h"), "1 task created\n");
    for nonsense in ["tomorrow", "2030-01-01", "9999-12-31T23:59:59Z", "-1", ""] {
        assert!(create("--at", nonsense).contains("error: "), "{nonsense}");
    }
    for nonsense in ["tomorrow", "3000000 days", ""] {
        assert!(create("--in", nonsense).contains("error: "), "{nonsense}");
    }
    let times =
        "SELECT scheduled_at = 1893456000000, scheduled_at - created_at > 176399000 FROM tasks";
    assert_eq!(rows(times), "1 | 1\n0 | 1");
}
