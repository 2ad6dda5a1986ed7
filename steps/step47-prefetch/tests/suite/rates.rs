//! Kinds of which only so many tasks may start in a time.

use std::num::NonZero;
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;

use fastrand::Rng;
use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::json;
use step47_prefetch::{
    Acquired, Clock, Config, Engine, Error, Execution, Handler, NewTask, Next, Priority, Rate,
    Registry, RunningEngine, Selection, Store, Which,
};
use tokio::runtime::Runtime;
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::common::{
    acquire, connection, create_tasks, database, end, new_task, rows, statements, store, until,
};
use crate::inspection::program;
use crate::monitoring::plans;
use crate::notifications::fall_asleep;
use crate::recovery::{observe, silent_engine, store_with_clock};

const MS: Duration = Duration::from_millis(1);
const STATUSES: &str = "SELECT status, count(*) FROM tasks GROUP BY 1";
const STARTS: &str = "SELECT group_concat(started_at - 1000000, ' ') FROM (SELECT * FROM task_executions ORDER BY id)";

fn rate_of(starts: u32, ms: u64) -> Rate {
    Rate {
        starts: NonZero::new(starts).unwrap(),
        period: Duration::from_millis(ms),
    }
}

async fn rate(store: &Store, starts: u32, ms: u64) -> bool {
    let rated = store.rate_kind("test", Some(rate_of(starts, ms)));
    rated.await.unwrap()
}

async fn rated(starts: u32, ms: u64, waiting: usize) -> (Store, Clock) {
    let (store, clock) = store_with_clock();
    create_tasks(&store, waiting).await;
    rate(&store, starts, ms).await;
    (store, clock)
}

fn selection(kinds: &[&str], taken: u64) -> Selection {
    let kinds: Vec<_> = kinds.iter().map(ToString::to_string).collect();
    Selection {
        instance: "test".into(),
        engine: None,
        kinds: kinds.into(),
        taken: Arc::new(taken.into()),
    }
}

async fn acquire_with(store: &Store, selection: &Selection) -> Acquired {
    store.try_acquire_task(selection).await.unwrap()
}

/// What a worker that knows both kinds acquires.
async fn acquire_any(store: &Store) -> Acquired {
    acquire_with(store, &selection(&["other", "test"], 0)).await
}

fn after(store: &Store, ms: u64) -> Timestamp {
    store.now() + Duration::from_millis(ms)
}

/// An engine that nothing wakes but this store and the alarm.
async fn engine(store: &Store, workers: u16) -> RunningEngine {
    let handler = || Handler::new(|_| async {});
    let registry = Registry::default()
        .with_handler("test", handler())
        .with_handler("other", handler());
    let hour = Duration::from_hours(1);
    let config = Config {
        instance: "other".to_owned(),
        workers,
        watch_interval: hour,
        wake_up_interval: hour,
        lease: hour,
        ..Config::default()
    };
    let engine = Engine::new(store.clone(), registry, config);
    engine.start().await.unwrap()
}

#[tokio::test]
async fn they_start_one_by_one() {
    let (store, clock) = rated(3, 100, 5).await;
    acquire(&store).await.unwrap();
    assert!(acquire(&store).await.is_none());
    // A third of the period, rounded up.
    clock.advance(33 * MS);
    assert!(acquire(&store).await.is_none());
    clock.advance(MS);
    acquire(&store).await.unwrap();
    assert!(acquire(&store).await.is_none());
    assert_eq!(rows(STARTS), "0 34");
}

#[tokio::test]
async fn lost_time_is_not_made_up_for() {
    let (store, clock) = rated(10, 1000, 5).await;
    acquire(&store).await.unwrap();
    clock.advance(Duration::from_hours(1));
    acquire(&store).await.unwrap();
    assert!(acquire(&store).await.is_none());
}

/// So many starts, each with those that follow it.
fn check_windows(starts: &[i64], rate: Rate) {
    let period = i64::try_from(rate.period.as_nanos().div_ceil(1_000_000)).unwrap();
    let allowed = usize::try_from(rate.starts.get()).unwrap();
    for window in starts.windows(allowed + 1) {
        let (first, last) = (window[0], window[allowed]);
        assert!(last >= first + period, "{rate:?}: {window:?}");
    }
}

/// However the time goes by, whoever asks, whatever becomes of the tasks: no period, wherever it begins,
/// holds a start too many.
#[tokio::test]
async fn no_period_holds_too_many() {
    let mut started = 0;
    for seed in 0..20 {
        let mut random = Rng::with_seed(seed);
        let (store, clock) = store_with_clock();
        connection()
            .execute_batch(
                "DELETE FROM task_executions; DELETE FROM tasks; DELETE FROM rated_kinds",
            )
            .unwrap();
        let starts = random.u32(1..9);
        let rate = Rate {
            starts: NonZero::new(starts).unwrap(),
            period: Duration::from_micros(random.u64(u64::from(starts) * 1000..60_000)),
        };
        store.rate_kind("test", Some(rate)).await.unwrap();
        let other = Store::open_with_clock(database(), clock.clone()).unwrap();
        create_tasks(&store, 40).await;
        let mut running = Vec::new();
        let mut alarm = store.now();
        for _ in 0..200 {
            let by = if random.bool() { &store } else { &other };
            match random.u8(0..8) {
                0 => clock.advance(random.u32(0..20) * MS),
                1 => clock.advance(
                    alarm
                        .duration_since(by.now())
                        .try_into()
                        .unwrap_or_default(),
                ),
                2 if !running.is_empty() => {
                    let execution = running.swap_remove(random.usize(0..running.len()));
                    let next = match random.u8(0..4) {
                        0 => Next::Failed,
                        1 => Next::PutBack,
                        2 => Next::RetryAt(after(by, random.u64(0..50))),
                        _ => Next::Stopped,
                    };
                    let _ = by.end(&execution, Err("down".into()), next).await.unwrap();
                }
                3 => drop(by.rate_kind("test", Some(rate)).await.unwrap()),
                _ => {
                    let acquired = acquire_any(by).await;
                    alarm = acquired.next.unwrap_or(alarm);
                    running.extend(acquired.task.map(Execution::of));
                }
            }
        }
        let connection = connection();
        let mut times = connection
            .prepare("SELECT started_at FROM task_executions ORDER BY id")
            .unwrap();
        let times = times.query_map([], |row| row.get(0)).unwrap();
        let times: Vec<_> = times.map(Result::unwrap).collect();
        check_windows(&times, rate);
        started += times.len();
    }
    assert!(started > 400, "{started}");
}

/// Four connections, and a clock that goes on meanwhile.
#[test]
fn the_rate_is_exact_whoever_acquires() {
    let setup = Runtime::new().unwrap();
    let (_store, clock) = setup.block_on(rated(3, 10, 60));
    let path = database();
    let barrier = Barrier::new(4);
    let waiting = |path| {
        let connection = Connection::open(path).unwrap();
        let waiting = "SELECT count(*) FROM tasks WHERE status = 'waiting'";
        let waiting = connection.query_one(waiting, [], |row| row.get::<_, i64>(0));
        waiting.unwrap() > 0
    };
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let store = Store::open_with_clock(&path, clock.clone()).unwrap();
                let work = async {
                    barrier.wait();
                    while waiting(&path) {
                        if let Some(task) = acquire(&store).await {
                            let _ = end(&store, task).await;
                        } else {
                            clock.advance(MS);
                        }
                    }
                };
                Runtime::new().unwrap().block_on(work);
            });
        }
    });
    let starts = rows(STARTS);
    let starts: Vec<_> = starts.split(' ').map(|at| at.parse().unwrap()).collect();
    assert_eq!(starts.len(), 60);
    check_windows(&starts, rate_of(3, 10));
}

/// Every second look is too early: it isn't a turn.
#[tokio::test]
async fn the_oldest_has_its_turn_all_the_same() {
    let (store, clock) = rated(1, 1000, 0).await;
    for priority in [[Priority::Low; 1].as_slice(), &[Priority::High; 20]].concat() {
        store.create(new_task().priority(priority)).await.unwrap();
    }
    let (selection, mut order) = (selection(&["test"], 0), Vec::new());
    for _ in 0..10 {
        order.push(acquire_with(&store, &selection).await.task.unwrap().id);
        assert!(acquire_with(&store, &selection).await.task.is_none());
        clock.advance(Duration::from_secs(1));
    }
    assert_eq!(order.last(), Some(&1), "{order:?}");
}

/// However old, and of whatever priority, those are that may not start yet.
#[tokio::test]
async fn the_others_are_not_held_up() {
    for taken in [0, 9] {
        let (store, _) = rated(1, 1000, 3).await;
        let high = new_task().priority(Priority::High);
        store.create(high).await.unwrap();
        let acquired = acquire_any(&store).await;
        assert!(acquired.task.is_some());
        // The alarm rings when one may start, not at once, again and again.
        assert_eq!(acquired.next, Some(after(&store, 1000)));
        let other = NewTask::new("other", json!({})).priority(Priority::Low);
        let other = store.create(other).await.unwrap();
        let both = selection(&["other", "test"], taken);
        let acquired = acquire_with(&store, &both).await;
        assert_eq!(acquired.task.unwrap().id, other);
        assert_eq!(acquired.next, Some(after(&store, 1000)));
        let acquired = acquire_any(&store).await;
        assert_eq!(
            (acquired.task, acquired.next),
            (None, Some(after(&store, 1000)))
        );
        // An engine that doesn't know the kind has nothing to wait for.
        let other = selection(&["other"], taken);
        assert_eq!(acquire_with(&store, &other).await.next, None);
        connection()
            .execute_batch("DELETE FROM tasks; DELETE FROM rated_kinds")
            .unwrap();
    }
}

#[tokio::test]
async fn each_kind_has_a_rate_of_its_own() {
    let (store, clock) = rated(1, 1000, 2).await;
    let rated = store.rate_kind("other", Some(rate_of(1, 300)));
    assert!(rated.await.unwrap());
    for _ in 0..2 {
        let other = NewTask::new("other", json!({}));
        store.create(other).await.unwrap();
    }
    for (id, rest) in [(1, 0), (3, 300), (4, 700), (2, 0)] {
        let acquired = acquire_any(&store).await;
        assert_eq!(acquired.task.unwrap().id, id);
        let next = (id != 2).then(|| after(&store, rest));
        assert_eq!(acquired.next, next);
        clock.advance(Duration::from_millis(rest));
    }
}

/// One for later is later than the rate; of one that is paused, and of none, there is nothing to tell.
#[tokio::test]
async fn the_alarm_is_for_who_may_start() {
    let (store, clock) = rated(1, 1000, 1).await;
    let acquired = acquire_any(&store).await;
    assert_eq!(acquired.next, None);
    let later = after(&store, 5000);
    store.create(new_task().at(later)).await.unwrap();
    assert_eq!(acquire_any(&store).await.next, Some(later));
    create_tasks(&store, 1).await;
    assert_eq!(acquire_any(&store).await.next, Some(after(&store, 1000)));
    store.pause_kind("test").await.unwrap();
    assert_eq!(acquire_any(&store).await.next, None);
    clock.advance(Duration::from_secs(1));
    assert!(acquire_any(&store).await.task.is_none());
    store.resume_kind("test").await.unwrap();
    assert!(acquire_any(&store).await.task.is_some());
}

/// Whoever has started the last one, with this store or in another process.
#[tokio::test]
async fn an_engine_wakes_as_soon_as_one_may_start() {
    let (store, clock) = rated(1, 1000, 6).await;
    let other = Store::open_with_clock(database(), clock.clone()).unwrap();
    let engines = [engine(&store, 3).await, engine(&other, 3).await];
    for started in 1..=6 {
        until(|| rows(STATUSES).contains(&format!("stopped | {started}"))).await;
        fall_asleep(&store).await;
        fall_asleep(&other).await;
        clock.advance(999 * MS);
        fall_asleep(&store).await;
        fall_asleep(&other).await;
        clock.advance(MS);
    }
    assert_eq!(rows(STARTS), "0 1000 2000 3000 4000 5000");
    for engine in engines {
        engine.shutdown().await.unwrap();
    }
}

/// This engine has seen nothing of the last start: it was another's, of which nothing is left.
#[tokio::test]
async fn what_a_killed_engine_has_started_counts() {
    let (store, clock) = rated(2, 1000, 3).await;
    let other = Store::open_with_clock(database(), clock.clone()).unwrap();
    acquire(&other).await.unwrap();
    drop(other);
    let engine = engine(&store, 3).await;
    fall_asleep(&store).await;
    assert_eq!(rows(STARTS), "0");
    clock.advance(500 * MS);
    until(|| rows(STARTS) == "0 500").await;
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_kind_that_rests_costs_nothing() {
    let (store, _) = rated(1, 1000, 100).await;
    let engine = engine(&store, 5).await;
    until(|| rows(STATUSES).contains("stopped | 1")).await;
    fall_asleep(&store).await;
    let asked = statements(&store, async {
        fall_asleep(&store).await;
        fall_asleep(&store).await;
    });
    let asked = asked.await;
    let acquisitions = asked.iter().filter(|sql| sql.contains("limited_kinds"));
    assert_eq!(acquisitions.count(), 0, "{asked:#?}");
    engine.shutdown().await.unwrap();
}

/// They are due: it is only for a while that they may not start.
#[tokio::test]
async fn drain_waits_for_those_that_may_not_start_yet() {
    let (store, clock) = rated(1, 1000, 3).await;
    let engine = engine(&store, 5).await;
    until(|| rows(STATUSES).contains("stopped | 1")).await;
    fall_asleep(&store).await;
    // It looks at once: no worker is awake.
    let mut drained = tokio::spawn(engine.drain());
    for started in 2..=3 {
        fall_asleep(&store).await;
        assert!(!drained.is_finished());
        clock.advance(Duration::from_secs(1));
        until(|| rows(STATUSES).contains(&format!("stopped | {started}"))).await;
    }
    let ended = timeout(Duration::from_mins(1), &mut drained).await;
    ended.expect("it ends").unwrap().unwrap();
    assert_eq!(rows(STATUSES), "stopped | 3");
}

/// It comes while the engine is about to look, and its kind rests: nobody is awake for it.
#[tokio::test]
async fn drain_waits_for_one_that_has_just_come() {
    let (store, clock) = rated(1, 1000, 1).await;
    let engine = engine(&store, 5).await;
    until(|| rows(STATUSES).contains("stopped | 1")).await;
    fall_asleep(&store).await;
    let (go_on, gone_on) = mpsc::channel();
    let busy = store.reader().clone();
    let wait = move |_: &Connection| {
        gone_on.recv().unwrap();
        Ok(())
    };
    let busy = tokio::spawn(async move { busy.read(wait).await });
    yield_now().await;
    let mut drained = tokio::spawn(engine.drain());
    yield_now().await;
    clock.advance(Duration::from_millis(1));
    create_tasks(&store, 1).await;
    // The worker that this wakes looks, and sleeps again.
    for _ in 0..10 {
        yield_now().await;
        store.transaction(|_| Ok(())).await.unwrap();
    }
    go_on.send(()).unwrap();
    busy.await.unwrap().unwrap();
    fall_asleep(&store).await;
    assert!(!drained.is_finished());

    clock.advance(Duration::from_secs(1));
    let ended = timeout(Duration::from_mins(1), &mut drained).await;
    ended.expect("it ends").unwrap().unwrap();
    assert_eq!(rows(STATUSES), "stopped | 2");
}

/// Whatever becomes of the task: the service has been asked.
#[tokio::test]
async fn retries_are_starts() {
    let (store, clock) = rated(1, 1000, 1).await;
    for next in [Next::RetryAt(store.now()), Next::PutBack, Next::Failed] {
        let execution = Execution::of(acquire(&store).await.unwrap());
        let _ = store
            .end(&execution, Err("down".into()), next)
            .await
            .unwrap();
        assert!(acquire(&store).await.is_none());
        clock.advance(Duration::from_secs(1));
    }
    store.retry_task(1).await.unwrap();
    acquire(&store).await.unwrap();
    let _ = store.cancel(Which::Task(1)).await.unwrap();
    create_tasks(&store, 1).await;
    assert!(acquire(&store).await.is_none());

    connection().execute_batch("DELETE FROM tasks").unwrap();
    silent_engine(&store, 900, 1).await;
    observe(&store, &clock, || rows(STATUSES).contains("waiting | 1")).await;
    acquire(&store).await.unwrap();
    assert!(acquire(&store).await.is_none());
}

/// What the database doesn't let start has asked the service for nothing.
#[tokio::test]
async fn a_start_that_is_refused_is_none() {
    let (store, _) = rated(1, 1000, 2).await;
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON task_executions WHEN new.task_id = 1
                  BEGIN SELECT RAISE(ABORT, 'no'); END";
    connection().execute_batch(refuse).unwrap();
    assert_eq!(acquire_any(&store).await.refused.unwrap().0, 1);
    assert_eq!(acquire(&store).await.unwrap().id, 2);
}

/// From now on; and if the clock is right again, from its last start on.
#[tokio::test]
async fn a_clock_set_back_holds_nothing_up() {
    let (store, clock) = rated(1, 60_000, 4).await;
    clock.advance(Duration::from_hours(1));
    acquire(&store).await.unwrap();
    assert!(acquire(&store).await.is_none());
    let back = Clock::manual(Timestamp::from_second(1000 + 3599).unwrap());
    let early = Store::open_with_clock(database(), back.clone()).unwrap();
    acquire(&early).await.unwrap();
    assert!(acquire(&early).await.is_none());
    back.advance(59_999 * MS);
    assert!(acquire(&early).await.is_none());
    back.advance(MS);
    acquire(&early).await.unwrap();
    assert_eq!(rows(STARTS), "3600000 3599000 3659000");
}

#[tokio::test]
async fn a_rate_can_be_changed() {
    let (store, clock) = rated(1, 1000, 9).await;
    acquire(&store).await.unwrap();
    clock.advance(400 * MS);
    // The same changes nothing, not even when the next one may start.
    assert!(!rate(&store, 1, 1000).await);
    assert_eq!(acquire_any(&store).await.next, Some(after(&store, 600)));
    // Another one counts from the last start on.
    assert!(rate(&store, 2, 1000).await);
    assert_eq!(acquire_any(&store).await.next, Some(after(&store, 100)));
    assert!(rate(&store, 2, 600).await);
    acquire(&store).await.unwrap();
    assert!(rate(&store, 1, 3_600_000).await);
    clock.advance(Duration::from_mins(59));
    assert!(acquire(&store).await.is_none());
    assert!(store.rate_kind("test", None).await.unwrap());
    assert!(!store.rate_kind("test", None).await.unwrap());
    acquire(&store).await.unwrap();
    acquire(&store).await.unwrap();
}

/// The clock stands still: no alarm helps.
#[tokio::test]
async fn a_change_wakes_an_engine() {
    let (store, clock) = rated(1, 3_600_000, 4).await;
    let engine = engine(&store, 5).await;
    until(|| rows(STATUSES) == "stopped | 1\nwaiting | 3").await;
    fall_asleep(&store).await;
    clock.advance(Duration::from_secs(1));
    fall_asleep(&store).await;
    assert_eq!(rows(STATUSES), "stopped | 1\nwaiting | 3");
    rate(&store, 1, 1000).await;
    until(|| rows(STATUSES) == "stopped | 2\nwaiting | 2").await;
    store.rate_kind("test", None).await.unwrap();
    until(|| rows(STATUSES) == "stopped | 4").await;
    engine.shutdown().await.unwrap();
}

/// The period is in whole milliseconds, the last one counted in full.
#[tokio::test]
async fn a_rate_that_no_clock_keeps_is_refused() {
    let (store, _) = store_with_clock();
    let of = |starts, period| {
        let starts = NonZero::new(starts).unwrap();
        store.rate_kind("test", Some(Rate { starts, period }))
    };
    let hundred_years = Duration::from_hours(24 * 36525);
    for (starts, period) in [
        (2, MS),
        (1, Duration::ZERO),
        (1, hundred_years + MS),
        (u32::MAX, Duration::from_secs(4_294_967)),
        (1, Duration::MAX),
    ] {
        let refused = of(starts, period).await.unwrap_err();
        assert!(matches!(refused, Error::Rate { .. }), "{refused}");
    }
    assert_eq!(rows("SELECT * FROM rated_kinds"), "");
    for (starts, period) in [
        (1, Duration::from_nanos(1)),
        (2, Duration::from_micros(1001)),
        (3, Duration::from_micros(3100)),
        (u32::MAX, Duration::from_secs(4_294_968)),
        (1, hundred_years),
    ] {
        assert!(of(starts, period).await.unwrap());
        let row = "SELECT max_starts, interval_ms * max_starts - period_ms < max_starts
                   AND interval_ms * max_starts >= period_ms FROM rated_kinds";
        assert_eq!(rows(row), format!("{starts} | 1"));
    }
    let sql = |sql: &str| connection().execute_batch(sql).unwrap_err().to_string();
    let faster = sql("UPDATE rated_kinds SET max_starts = 2, period_ms = 1");
    assert!(faster.contains("rate_period"), "{faster}");
    let none = sql("UPDATE rated_kinds SET max_starts = 0");
    assert!(none.contains("rate_starts"), "{none}");
}

/// The limit of the kind, that of a key, and the turns of the keys.
#[tokio::test]
async fn limits_hold_too() {
    let (store, clock) = store_with_clock();
    rate(&store, 1, 10).await;
    for key in "aaabbc".chars() {
        let of = new_task().concurrency_key(key.to_string());
        store.create(of).await.unwrap();
    }
    store.limit_keys("test", NonZero::new(1)).await.unwrap();
    let mut order = String::new();
    while let Some(task) = acquire(&store).await {
        let key = format!("SELECT concurrency_key FROM tasks WHERE id = {}", task.id);
        order += &rows(&key);
        // It doesn't lose its turn, nor gains one, because the kind rests when it ends.
        clock.advance(5 * MS);
        let _ = end(&store, task).await;
        assert!(acquire(&store).await.is_none());
        clock.advance(5 * MS);
    }
    assert_eq!(order, "abcaba");

    create_tasks(&store, 3).await;
    store.limit_kind("test", NonZero::new(2)).await.unwrap();
    let first = acquire(&store).await.unwrap();
    clock.advance(10 * MS);
    acquire(&store).await.unwrap();
    clock.advance(10 * MS);
    let acquired = acquire_any(&store).await;
    assert_eq!((acquired.task, acquired.next), (None, None));
    let _ = end(&store, first).await;
    assert!(acquire(&store).await.is_some());
}

#[tokio::test]
async fn rates_are_listed() {
    let store = store();
    store
        .rate_kind("mail", Some(rate_of(7, 90_000)))
        .await
        .unwrap();
    store
        .rate_kind("test", Some(rate_of(2, 1000)))
        .await
        .unwrap();
    let kinds = store.reader().kinds(&Registry::default()).await.unwrap();
    let kinds = kinds
        .iter()
        .map(|kind| (&*kind.kind, kind.max_starts, kind.period_ms));
    let kinds: Vec<_> = kinds.collect();
    assert_eq!(
        kinds,
        [
            ("mail", Some(7), Some(90_000)),
            ("test", Some(2), Some(1000))
        ]
    );
    let told = [
        program(&["kinds"]),
        program(&["rate", "test", "2", "1 second"]),
        program(&["rate", "waiting", "30", "1m 30s"]),
        program(&["rate", "test", "2", "1ms"]),
        program(&["unrate", "test"]),
        program(&["unrate", "test"]),
    ];
    insta::assert_snapshot!(told.concat());
    let told = program(&["rate", "test", "0", "1s"]);
    assert!(told.contains("invalid value '0'"), "{told}");
    let told = program(&["kinds", "--json"]);
    assert!(
        told.contains("\"max_starts\": 30") && told.contains("\"period_ms\": 90000"),
        "{told}"
    );
}

/// A row a kind.
#[tokio::test]
async fn nothing_else_is_read() {
    let (store, _) = rated(2, 1000, 3).await;
    let mut asked = statements(&store, async {
        acquire(&store).await.unwrap();
    })
    .await;
    asked.retain(|sql| sql.contains("rated_kinds"));
    asked.dedup();
    insta::assert_snapshot!(plans(&asked));
}
