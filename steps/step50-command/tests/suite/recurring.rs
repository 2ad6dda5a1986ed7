//! Tasks that come again and again.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use step50_command::{
    Clock, Config, Engine, Error, Handler, NewTask, Registry, RetryPolicy, RunningEngine, Schedule,
    Store, TaskError,
};

use crate::common::{connection, create_tasks, database, log, new_task, rows, store, until};
use crate::inspection::program;
use crate::notifications::fall_asleep;

const SECOND: Duration = Duration::from_secs(1);
const EACH_SECOND: &str = "* * * * * *";
const EACH_DAY: &str = "0 9 * * *";
const TICKS: &str = "SELECT schedule, tick / 1000 FROM tasks ORDER BY id";

fn at(date: &str) -> Timestamp {
    date.parse().unwrap()
}

/// The same database, for a clock of one's own.
fn store_at(date: &str) -> (Store, Clock) {
    let _log = store();
    let clock = Clock::manual(at(date));
    let store = Store::open_with_clock(database(), clock.clone()).unwrap();
    (store, clock)
}

fn schedule(name: &str, expression: &str) -> Schedule {
    Schedule::new(name, new_task(), expression)
        .unwrap()
        .overlapping()
}

async fn add(store: &Store, name: &str, expression: &str) -> Timestamp {
    store
        .add_schedule(schedule(name, expression))
        .await
        .unwrap()
}

/// Executes tasks of the kind `test`; looks at nothing by itself, but for the schedules' sake.
async fn start(store: &Store, handler: Handler) -> RunningEngine {
    let hour = Duration::from_hours(1);
    let config = Config {
        instance: "test".to_owned(),
        watch_interval: hour,
        wake_up_interval: hour,
        retry_policy: RetryPolicy {
            first_delay: SECOND,
            jitter: 0.0,
            ..RetryPolicy::default()
        },
        ..Config::default()
    };
    let registry = Registry::default().with_handler("test", handler);
    let engine = Engine::new(store.clone(), registry, config);
    engine.start().await.unwrap()
}

fn nothing() -> Handler {
    Handler::new(|_| async {})
}

fn ticks() -> Vec<String> {
    rows(TICKS).lines().map(str::to_owned).collect()
}

/// The calendar goes on, second by second, each one once all that is due is done.
async fn pass(clock: &Clock, seconds: u32) {
    for _ in 0..seconds {
        clock.advance(SECOND);
        let now = clock.now().as_millisecond();
        let due = format!("SELECT name FROM schedules WHERE next_at <= {now}");
        until(|| rows(&due).is_empty()).await;
    }
}

#[tokio::test]
async fn a_tick_makes_a_task_that_knows_it() {
    let (store, clock) = store_at("2030-01-01T08:59:58Z");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = seen.clone();
    let running = start(
        &store,
        Handler::new(move |context| {
            let task = context.task;
            note.lock().unwrap().push((task.tick, task.parameters));
            async {}
        }),
    )
    .await;
    let task = NewTask::new("test", json!({"week": 1}));
    let new = Schedule::new("report", task, EACH_DAY).unwrap();
    let nine = at("2030-01-01T09:00:00Z");
    assert_eq!(store.add_schedule(new).await.unwrap(), nine);
    clock.advance(SECOND);
    assert_eq!(ticks().len(), 0);

    pass(&clock, 1).await;

    until(|| !seen.lock().unwrap().is_empty()).await;
    running.shutdown().await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [(Some(nine), json!({"week": 1}))]);
    assert_eq!(ticks(), ["report | 1893488400"]);
    insta::assert_snapshot!(rows(
        "SELECT name, task_kind, task_parameters, expression, time_zone,
         datetime(next_at / 1000, 'unixepoch'), datetime(computed_at / 1000, 'unixepoch')
         FROM schedules"
    ), @r#"report | test | {"week":1} | 0 9 * * * | UTC | 2030-01-02 09:00:00 | 2030-01-01 09:00:00"#);
}

/// Each has a connection of its own, as in a process of its own.
#[tokio::test]
async fn four_engines_make_one_task_a_tick() {
    let (store, clock) = store_at("2030-01-01T00:00:00Z");
    add(&store, "each-second", EACH_SECOND).await;
    let mut engines = Vec::new();
    for _ in 0..4 {
        let store = Store::open_with_clock(database(), clock.clone()).unwrap();
        engines.push(start(&store, nothing()).await);
    }
    pass(&clock, 20).await;
    for engine in engines {
        engine.shutdown().await.unwrap();
    }
    let expected: Vec<_> = (1..=20)
        .map(|tick| format!("each-second | {}", 1_893_456_000 + tick))
        .collect();
    assert_eq!(ticks(), expected);
}

/// The last line of defence: no program makes a second one.
#[tokio::test]
async fn the_database_refuses_a_second_task_for_a_tick() {
    let _store = store();
    let insert = "INSERT INTO tasks
                  (task_kind, task_parameters, created_at, updated_at, schedule, tick)
                  VALUES ('test', '{}', 0, 0, ?1, ?2)";
    let insert = |schedule: Option<&str>, tick: i64| {
        let inserted = connection().execute(insert, (schedule, tick));
        inserted.map_err(|error| error.to_string())
    };
    insert(Some("report"), 1).unwrap();
    insert(Some("report"), 2).unwrap();
    insert(Some("other"), 1).unwrap();
    insert(None, 1).unwrap();
    insert(None, 1).unwrap();
    insta::assert_snapshot!(
        insert(Some("report"), 1).unwrap_err(),
        @"UNIQUE constraint failed: tasks.schedule, tasks.tick"
    );
}

#[tokio::test]
async fn all_that_was_missed_makes_one_task() {
    let (store, clock) = store_at("2030-01-01T00:00:00Z");
    add(&store, "daily", EACH_DAY).await;
    add(&store, "yearly", "0 0 1 1 *").await;
    clock.advance(Duration::from_hours(10 * 24));
    start(&store, nothing()).await.drain().await.unwrap();
    assert_eq!(ticks(), ["daily | 1893488400"]);
    assert_eq!(rows("SELECT status FROM tasks"), "stopped");
    let next = "SELECT datetime(next_at / 1000, 'unixepoch') FROM schedules WHERE name = 'daily'";
    assert_eq!(rows(next), "2030-01-11 09:00:00");
}

/// A program says what its schedules are each time it starts.
#[tokio::test]
async fn the_same_schedule_again_loses_and_repeats_nothing() {
    let (store, clock) = store_at("2030-01-01T00:00:00Z");
    add(&store, "daily", EACH_DAY).await;
    clock.advance(Duration::from_hours(12));
    let next = add(&store, "daily", EACH_DAY).await;
    assert_eq!(next, at("2030-01-02T09:00:00Z"));
    start(&store, nothing()).await.drain().await.unwrap();
    add(&store, "daily", EACH_DAY).await;
    start(&store, nothing()).await.drain().await.unwrap();
    assert_eq!(ticks(), ["daily | 1893488400"]);
}

#[tokio::test]
async fn other_tasks_come_at_the_same_times() {
    let (store, clock) = store_at("2030-01-01T00:00:00Z");
    add(&store, "daily", EACH_DAY).await;
    clock.advance(Duration::from_hours(12));
    let other = NewTask::new("other", json!({"a": 1}));
    let other = Schedule::new("daily", other, EACH_DAY).unwrap();
    store.add_schedule(other).await.unwrap();
    start(&store, nothing()).await.drain().await.unwrap();
    assert_eq!(ticks(), ["daily | 1893488400"]);
    let made = "SELECT task_kind, task_parameters FROM tasks";
    assert_eq!(rows(made), r#"other | {"a":1}"#);
}

/// What was missed by the old one isn't the new one's.
#[tokio::test]
async fn other_times_count_from_now_on() {
    let (store, clock) = store_at("2030-01-01T00:00:00Z");
    add(&store, "daily", EACH_DAY).await;
    clock.advance(Duration::from_hours(12));
    assert_eq!(
        add(&store, "daily", "0 10 * * *").await,
        at("2030-01-02T10:00:00Z")
    );
    start(&store, nothing()).await.drain().await.unwrap();
    assert_eq!(ticks().len(), 0);
    let there = schedule("daily", "0 10 * * *").time_zone("Europe/Paris");
    let next = store.add_schedule(there).await.unwrap();
    assert_eq!(next, at("2030-01-02T09:00:00Z"));
}

/// Here with the same store, which no watcher looks at.
#[tokio::test]
async fn a_schedule_that_is_added_or_changed_counts_at_once() {
    let (store, clock) = store_at("2030-01-01T00:00:00Z");
    let running = start(&store, nothing()).await;
    until(|| log().contains("engine started")).await;
    fall_asleep(&store).await;
    add(&store, "changing", EACH_SECOND).await;
    pass(&clock, 2).await;
    add(&store, "changing", "*/5 * * * * *").await;
    pass(&clock, 10).await;
    running.shutdown().await.unwrap();
    let seconds = "SELECT group_concat(tick / 1000 % 60 ORDER BY id) FROM tasks";
    assert_eq!(rows(seconds), "1,2,5,10");
}

#[tokio::test]
async fn what_another_process_adds_is_seen() {
    let (store, clock) = store_at("2030-01-01T00:00:00Z");
    let registry = Registry::default().with_handler("test", nothing());
    let config = Config {
        instance: "test".to_owned(),
        wake_up_interval: Duration::from_hours(1),
        ..Config::default()
    };
    let engine = Engine::new(store.clone(), registry, config);
    let running = engine.start().await.unwrap();
    until(|| log().contains("engine started")).await;
    fall_asleep(&store).await;
    let other = Store::open_with_clock(database(), clock.clone()).unwrap();
    add(&other, "each-second", EACH_SECOND).await;
    pass(&clock, 3).await;
    running.shutdown().await.unwrap();
    assert_eq!(ticks().len(), 3);
}

/// An engine that starts again, or that goes on: the next tick says when it was computed.
#[tokio::test]
async fn a_clock_that_is_set_back_repeats_no_tick() {
    let (store, clock) = store_at("2030-01-01T00:00:00Z");
    add(&store, "each-second", EACH_SECOND).await;
    let running = start(&store, nothing()).await;
    pass(&clock, 10).await;
    running.shutdown().await.unwrap();
    assert_eq!(ticks().len(), 10);

    let (store, clock) = store_at("2030-01-01T00:00:05Z");
    let running = start(&store, nothing()).await;
    until(|| rows("SELECT next_at / 1000 FROM schedules") == "1893456006").await;
    pass(&clock, 5).await;
    assert_eq!(ticks().len(), 10);
    pass(&clock, 2).await;
    running.shutdown().await.unwrap();
    assert_eq!(ticks().len(), 12);
    assert_eq!(ticks()[11], "each-second | 1893456012");
}

/// One task for all the years, and the schedule comes back with the clock.
#[tokio::test]
async fn a_clock_that_has_leapt_ahead_by_mistake_costs_one_task() {
    let (store, _clock) = store_at("2030-01-01T00:00:00Z");
    add(&store, "daily", EACH_DAY).await;
    let (store, _clock) = store_at("2045-01-01T00:00:00Z");
    start(&store, nothing()).await.drain().await.unwrap();
    let next = "SELECT datetime(next_at / 1000, 'unixepoch') FROM schedules";
    assert_eq!(rows(next), "2045-01-01 09:00:00");

    let (store, clock) = store_at("2030-01-03T00:00:00Z");
    let running = start(&store, nothing()).await;
    until(|| rows(next) == "2030-01-03 09:00:00").await;
    clock.advance(Duration::from_hours(9));
    until(|| ticks().len() == 2).await;
    running.shutdown().await.unwrap();
    assert_eq!(ticks(), ["daily | 1893488400", "daily | 1893661200"]);
}

#[tokio::test]
async fn a_retry_has_the_same_tick() {
    let (store, clock) = store_at("2030-01-01T00:00:00Z");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = seen.clone();
    let fails = Handler::fallible(move |context| {
        note.lock().unwrap().push(context.task.tick);
        async { Err::<(), TaskError>("not yet".into()) }
    });
    let running = start(&store, fails).await;
    add(&store, "daily", "1 0 0 * * *").await;
    until(|| {
        clock.advance(SECOND);
        seen.lock().unwrap().len() >= 3
    })
    .await;
    running.shutdown().await.unwrap();
    let tick = Some(at("2030-01-01T00:00:01Z"));
    assert_eq!(seen.lock().unwrap()[..3], [tick; 3]);
}

#[tokio::test]
async fn a_full_kind_holds_up_its_tick_and_no_other() {
    let (store, clock) = store_at("2030-01-01T00:00:00Z");
    store.bound_kind("full", Some(1)).await.unwrap();
    let full = NewTask::new("full", json!({}));
    store.create(full.clone()).await.unwrap();
    let first = Schedule::new("a", full, EACH_SECOND).unwrap();
    store.add_schedule(first).await.unwrap();
    add(&store, "b", EACH_SECOND).await;
    let running = start(&store, nothing()).await;
    for made in 2..5 {
        clock.advance(SECOND);
        until(|| ticks().len() == made).await;
    }
    assert_eq!(log().matches("tick held up").count(), 1, "{}", log());

    store.bound_kind("full", None).await.unwrap();
    clock.advance(SECOND);
    let late = "SELECT min(tick) / 1000 - 1893456000 FROM tasks WHERE schedule = 'a'";
    until(|| rows(late) == "1").await;
    running.shutdown().await.unwrap();
}

/// Whoever has written them.
#[tokio::test]
async fn what_cannot_be_read_is_told_once_and_holds_up_no_other() {
    let (store, clock) = store_at("2030-01-01T00:00:00Z");
    let odd = "INSERT INTO schedules (name, task_kind, task_parameters, expression, time_zone,
                                      next_at, computed_at) VALUES
               ('expression', 'test', '{}', 'now and then', 'UTC', 1, 0),
               ('zone', 'test', '{}', '* * * * *', 'Mars/Olympus', 2, 0),
               ('kind', CAST(x'FF' AS TEXT), '{}', '* * * * *', 'UTC', 3, 0),
               (CAST(x'FF' AS TEXT), 'test', '{}', '* * * * *', 'UTC', 4, 0),
               ('old', 'test', '{}', '* * * * *', 'UTC', -9223372036854775808, 0),
               ('new', 'test', '{}', '* * * * *', 'UTC', 9223372036854775807, 0)";
    connection().execute_batch(odd).unwrap();
    add(&store, "good", EACH_SECOND).await;
    let running = start(&store, nothing()).await;
    let good = || {
        ticks()
            .iter()
            .filter(|tick| tick.starts_with("good"))
            .count()
    };
    for made in 1..4 {
        clock.advance(SECOND);
        until(|| good() == made).await;
    }
    running.shutdown().await.unwrap();
    let told: Vec<_> = log()
        .lines()
        .filter(|line| line.contains("held up"))
        .map(str::to_owned)
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

/// Whatever another program has done to them.
#[tokio::test]
async fn schedules_that_cannot_be_read_end_nothing() {
    let (store, clock) = store_at("2030-01-01T00:00:00Z");
    add(&store, "good", EACH_SECOND).await;
    let rename = |from, to| {
        let rename = format!("ALTER TABLE {from} RENAME TO {to}");
        connection().execute_batch(&rename).unwrap();
    };
    rename("schedules", "away");
    let running = start(&store, nothing()).await;
    until(|| log().contains("schedules can't be read")).await;
    create_tasks(&store, 1).await;
    let done = "SELECT count(*) FROM tasks WHERE status = 'stopped'";
    until(|| rows(done) == "1").await;

    rename("away", "schedules");
    add(&store, "other", EACH_DAY).await;
    pass(&clock, 1).await;
    until(|| rows(done) == "2").await;
    running.shutdown().await.unwrap();
}

/// It is found when the last tick has come, and nothing waits for it any more.
#[tokio::test]
async fn a_schedule_may_have_a_last_tick() {
    let (store, clock) = store_at("2030-01-01T00:00:00Z");
    add(&store, "once", "3 0 0 1 1 * 2030").await;
    let running = start(&store, nothing()).await;
    pass(&clock, 5).await;
    assert_eq!(ticks(), ["once | 1893456003"]);
    assert_eq!(rows("SELECT next_at FROM schedules"), "NULL");
    let again = store.add_schedule(schedule("once", "3 0 0 1 1 * 2030"));
    assert!(matches!(again.await, Err(Error::Schedule(..))));
    running.shutdown().await.unwrap();
}

#[tokio::test]
async fn what_cannot_come_is_refused() {
    let (store, _clock) = store_at("2030-01-01T00:00:00Z");
    let mut told = String::new();
    for (expression, zone) in [
        ("0 0 30 2 *", "UTC"),
        ("0 0 1 1 1 * 2029", "UTC"),
        ("61 * * * *", "UTC"),
        ("* * * *", "UTC"),
        ("* * * * * * * *", "UTC"),
        ("", "UTC"),
        ("@fortnightly", "UTC"),
        ("* * * * *", "Mars/Olympus"),
        ("* * * * *", ""),
    ] {
        let odd = schedule("odd", expression).time_zone(zone);
        let error = store.add_schedule(odd).await.unwrap_err();
        let source = std::error::Error::source(&error).unwrap();
        writeln!(told, "{expression:?} {zone:?}: {error}: {source}").unwrap();
    }
    insta::assert_snapshot!(told);
    assert_eq!(rows("SELECT count(*) FROM schedules"), "0");
}

/// The first ticks after this date, by the clocks of this place.
async fn calendar(expression: &str, zone: &str, from: &str, ticks: usize) -> String {
    let (store, clock) = store_at(from);
    let mut lines = format!("{expression}\n");
    for _ in 0..ticks {
        let new = schedule(&clock.now().to_string(), expression).time_zone(zone);
        let tick = store.add_schedule(new).await.unwrap();
        clock.advance(tick.duration_since(clock.now()).unsigned_abs());
        writeln!(lines, "    {}", tick.in_tz(zone).unwrap()).unwrap();
    }
    lines
}

#[tokio::test]
async fn the_expressions_are_those_of_cron() {
    let mut ticks = String::new();
    for expression in [
        "*/15 * * * *",
        "*/20 * * * * *",
        "30 0 12 24 12 * 2031",
        "@daily",
        "0 9 * * MON",
        "0 9 * JAN,DEC MON-FRI",
        "0 0 L * *",
        "0 0 * * FRI#2",
        "0 0 29 2 *",
        "0 0 13 * FRI",
    ] {
        let many = if expression.ends_with("2031") { 1 } else { 3 };
        ticks += &calendar(expression, "UTC", "2030-01-01T00:00:00Z", many).await;
    }
    insta::assert_snapshot!(ticks);
}

/// The hour that doesn't exist, and the one that comes twice.
#[tokio::test]
async fn two_nights_in_paris() {
    let mut nights = String::new();
    for (night, from) in [
        ("from 2 to 3 at once", "2026-03-28T23:00:00Z"),
        ("from 2 to 3, twice", "2026-10-24T22:00:00Z"),
    ] {
        writeln!(nights, "{night}").unwrap();
        for expression in ["30 2 * * *", "*/30 2 * * *", "0 * * * *"] {
            nights += &calendar(expression, "Europe/Paris", from, 4).await;
        }
    }
    insta::assert_snapshot!(nights);
}

#[tokio::test]
async fn schedules_are_added_on_the_command_line() {
    drop(store());
    let add = |arguments: &[&str]| program(&[&["schedule", "add"], arguments].concat());
    let waiting = r#"{"waiting_time": 0}"#;
    let year = "0 0 9 1 1 * 4000";
    let zone = ["--time-zone", "Europe/Paris"];
    let added = add(&[&["far", "waiting", year, waiting][..], &zone].concat());
    insta::assert_snapshot!(added, @"schedule far added: next at 4000-01-01T09:00:00+01:00[Europe/Paris]");
    for wrong in [
        ["bad", "waiting", "every day", waiting],
        ["bad", "unknown", year, waiting],
        ["bad", "waiting", year, "{}"],
        ["bad", "waiting", year, "nonsense"],
    ] {
        assert!(add(&wrong).starts_with("error: "), "{wrong:?}");
    }
    assert_eq!(rows("SELECT name FROM schedules"), "far");
}

/// However many tasks there are, and however many schedules are for later.
#[tokio::test]
async fn a_tick_looks_at_no_other_task() {
    let (store, clock) = store_at("2030-01-01T00:00:00Z");
    add(&store, "each-second", EACH_SECOND).await;
    let asked = crate::common::statements(&store, async {
        clock.advance(SECOND);
        start(&store, nothing()).await.drain().await.unwrap();
    })
    .await;
    let mut seen = HashSet::new();
    let new = |sql: &String| sql.contains("schedules") && seen.insert(sql.clone());
    let asked: Vec<_> = asked.into_iter().filter(new).collect();
    insta::assert_snapshot!(crate::monitoring::plans(&asked));
}
