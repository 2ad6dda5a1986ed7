//! Schedules are looked at, paused and removed while engines run.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use step49_durability::{
    Clock, Config, Engine, Error, Handler, Registry, RunningEngine, Schedule, ScheduleRecord, Store,
};

use crate::common::{connection, database, new_task, rows, statements, store, until};
use crate::inspection::program;
use crate::monitoring::plans;

const SECOND: Duration = Duration::from_secs(1);
const EACH_SECOND: &str = "* * * * * *";
const EACH_DAY: &str = "0 9 * * *";

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

async fn add(store: &Store, name: &str, expression: &str) {
    let schedule = Schedule::new(name, new_task(), expression).unwrap();
    store.add_schedule(schedule.overlapping()).await.unwrap();
}

/// Looks at nothing by itself, but for the schedules' sake.
async fn start(store: &Store) -> RunningEngine {
    let hour = Duration::from_hours(1);
    let config = Config {
        instance: "test".to_owned(),
        watch_interval: hour,
        wake_up_interval: hour,
        ..Config::default()
    };
    let registry = Registry::default().with_handler("test", Handler::new(|_| async {}));
    let engine = Engine::new(store.clone(), registry, config);
    engine.start().await.unwrap()
}

/// The ticks that have their tasks, in seconds since 2030.
fn ticks(name: &str) -> Vec<i64> {
    let ticks =
        format!("SELECT tick / 1000 - 1893456000 FROM tasks WHERE schedule = '{name}' ORDER BY id");
    let ticks = rows(&ticks);
    ticks.lines().map(|tick| tick.parse().unwrap()).collect()
}

/// The calendar goes on, second by second, each one once all that is due is done; `other` ticks
/// at each of them.
async fn pass(clock: &Clock, seconds: usize) {
    for _ in 0..seconds {
        let before = ticks("other").len();
        clock.advance(SECOND);
        until(|| ticks("other").len() > before).await;
    }
}

/// Lets the engine do all that it does as it starts, and look at the schedules.
async fn fall_asleep(store: &Store) {
    for _ in 0..10 {
        store.transaction(|_| Ok(())).await.unwrap();
        records(store).await;
    }
}

async fn records(store: &Store) -> Vec<ScheduleRecord> {
    store.reader().schedules().await.unwrap()
}

#[tokio::test]
async fn a_paused_schedule_goes_on_where_the_calendar_is() {
    let (store, clock) = store_at("2030-01-01T00:00:00Z");
    // In the order of the alphabet, what is paused comes first when an engine looks.
    add(&store, "a", EACH_SECOND).await;
    add(&store, "other", EACH_SECOND).await;
    let running = start(&store).await;
    pass(&clock, 2).await;
    until(|| ticks("a").len() == 2).await;
    assert!(store.pause_schedule("a").await.unwrap());
    assert!(!store.pause_schedule("a").await.unwrap());
    pass(&clock, 3).await;
    assert!(store.resume_schedule("a").await.unwrap());
    assert!(!store.resume_schedule("a").await.unwrap());
    pass(&clock, 2).await;
    until(|| ticks("a").len() == 4).await;
    running.shutdown().await.unwrap();
    assert_eq!(ticks("a"), [1, 2, 6, 7]);
    assert_eq!(ticks("other"), [1, 2, 3, 4, 5, 6, 7]);
}

/// Nothing else wakes the engine: it has the same store, which no watcher looks at.
#[tokio::test]
async fn resuming_counts_at_once() {
    let (store, clock) = store_at("2030-01-01T00:00:00Z");
    add(&store, "report", EACH_SECOND).await;
    store.pause_schedule("report").await.unwrap();
    let running = start(&store).await;
    clock.advance(SECOND);
    fall_asleep(&store).await;
    store.resume_schedule("report").await.unwrap();
    clock.advance(SECOND);
    until(|| !ticks("report").is_empty()).await;
    running.shutdown().await.unwrap();
    assert_eq!(ticks("report"), [2]);
}

/// An engine sees the schedule as it was, and looks again in the transaction that would create the
/// task, once the other program has committed.
#[tokio::test]
async fn a_pause_that_is_being_committed_holds() {
    let (store, clock) = store_at("2030-01-01T00:00:00Z");
    add(&store, "report", EACH_DAY).await;
    let running = start(&store).await;
    let other = connection();
    fall_asleep(&store).await;
    let pause = "BEGIN IMMEDIATE; UPDATE schedules SET paused_at = 1";
    other.execute_batch(pause).unwrap();
    clock.advance(Duration::from_hours(10));
    for _ in 0..100 {
        // The engine looks meanwhile.
        assert_eq!(records(&store).await[0].paused_at, None);
    }
    other.execute_batch("COMMIT").unwrap();
    running.drain().await.unwrap();
    assert_eq!(rows("SELECT * FROM tasks"), "");
}

#[tokio::test]
async fn a_tick_that_was_due_before_the_pause_is_none() {
    let (store, clock) = store_at("2030-01-01T00:00:00Z");
    add(&store, "paused", EACH_DAY).await;
    add(&store, "removed", EACH_DAY).await;
    clock.advance(Duration::from_hours(10));
    store.pause_schedule("paused").await.unwrap();
    store.remove_schedule("removed").await.unwrap();
    start(&store).await.drain().await.unwrap();
    assert_eq!(rows("SELECT * FROM tasks"), "");
    store.resume_schedule("paused").await.unwrap();
    start(&store).await.drain().await.unwrap();
    assert_eq!(rows("SELECT * FROM tasks"), "");
    let next = records(&store).await[0].next_at;
    assert_eq!(next, Some(at("2030-01-02T09:00:00Z")));
}

/// A program says what its schedules are each time it starts.
#[tokio::test]
async fn what_is_paused_stays_so_when_it_is_added_again() {
    let (store, clock) = store_at("2030-01-01T00:00:00Z");
    add(&store, "report", EACH_DAY).await;
    store.pause_schedule("report").await.unwrap();
    clock.advance(SECOND);
    assert!(!store.pause_schedule("report").await.unwrap());
    add(&store, "report", EACH_DAY).await;
    add(&store, "report", "0 10 * * *").await;
    let record = records(&store).await.remove(0);
    assert_eq!(record.paused_at, Some(at("2030-01-01T00:00:00Z")));
    assert_eq!((record.next_at, &*record.expression), (None, "0 10 * * *"));
    store.resume_schedule("report").await.unwrap();
    let record = records(&store).await.remove(0);
    assert_eq!(record.paused_at, None);
    assert_eq!(record.next_at, Some(at("2030-01-01T10:00:00Z")));
}

/// Nor for a clock that is set back: the tasks are what tells which ticks have come.
#[tokio::test]
async fn no_tick_comes_again_with_the_name() {
    let (store, clock) = store_at("2030-01-01T00:00:00Z");
    add(&store, "report", EACH_DAY).await;
    clock.advance(Duration::from_hours(10));
    start(&store).await.drain().await.unwrap();
    store.remove_schedule("report").await.unwrap();
    assert_eq!(records(&store).await, []);
    assert_eq!(ticks("report"), [9 * 3600]);

    let clock = Clock::manual(at("2030-01-01T00:00:00Z"));
    let store = Store::open_with_clock(database(), clock.clone()).unwrap();
    add(&store, "report", EACH_DAY).await;
    clock.advance(Duration::from_hours(10));
    start(&store).await.drain().await.unwrap();
    assert_eq!(ticks("report"), [9 * 3600]);
    clock.advance(Duration::from_hours(24));
    start(&store).await.drain().await.unwrap();
    assert_eq!(ticks("report"), [9 * 3600, 33 * 3600]);
}

#[tokio::test]
async fn a_name_that_no_schedule_has_is_refused() {
    let store = store();
    let refused = [
        store.pause_schedule("reprot").await.map(drop),
        store.resume_schedule("reprot").await.map(drop),
        store.remove_schedule("reprot").await,
    ];
    for refused in refused {
        let error = refused.unwrap_err();
        assert!(matches!(&error, Error::NoSchedule(name) if name == "reprot"));
        insta::allow_duplicates! {
            insta::assert_snapshot!(error, @r#"there is no schedule "reprot""#);
        }
    }
}

/// What can't be read can be stopped, all the same.
#[tokio::test]
async fn a_schedule_that_cannot_be_read_stays_paused() {
    let store = store();
    add(&store, "report", EACH_DAY).await;
    let update = "UPDATE schedules SET expression = CAST(x'FF' AS TEXT), time_zone = 'Mars'";
    connection().execute(update, []).unwrap();
    assert!(store.pause_schedule("report").await.unwrap());
    store.resume_schedule("report").await.unwrap_err();
    let update = "UPDATE schedules SET expression = 'now and then'";
    connection().execute(update, []).unwrap();
    let error = store.resume_schedule("report").await.unwrap_err();
    assert!(matches!(error, Error::Schedule(name, _) if name == "report"));
    assert!(records(&store).await[0].paused_at.is_some());
    store.remove_schedule("report").await.unwrap();
    assert_eq!(records(&store).await, []);
}

#[tokio::test]
async fn the_next_ticks_are_those_of_the_calendar() {
    let (store, _) = store_at("2030-01-01T00:00:00Z");
    let paris = Schedule::new("paris", new_task(), "30 2 * 3,10 SUN#L").unwrap();
    let paris = paris.time_zone("Europe/Paris");
    store.add_schedule(paris).await.unwrap();
    add(&store, "once", "0 0 0 1 1 * 2031").await;
    store.pause_schedule("paris").await.unwrap();
    let all = records(&store).await;
    let next = |name: &str| {
        let record = all.iter().find(|record| record.name == name).unwrap();
        let (mut lines, mut time) = (vec![], at("2030-01-01T00:00:00Z"));
        while lines.len() < 4
            && let Some(next) = record.next_tick(time).unwrap()
        {
            lines.push(next.in_tz(&record.time_zone).unwrap().to_string());
            time = next;
        }
        lines.join("\n")
    };
    insta::assert_snapshot!(next("paris"), @r"
    2030-03-31T03:00:00+02:00[Europe/Paris]
    2030-10-27T02:30:00+02:00[Europe/Paris]
    2031-03-30T03:00:00+02:00[Europe/Paris]
    2031-10-26T02:30:00+02:00[Europe/Paris]
    ");
    insta::assert_snapshot!(next("once"), @"2031-01-01T00:00:00+00:00[UTC]");
}

#[tokio::test]
async fn schedules_are_listed() {
    let (store, clock) = store_at("2030-01-01T00:00:00Z");
    add(&store, "report", EACH_DAY).await;
    add(&store, "clean-up", "@yearly").await;
    clock.advance(Duration::from_hours(10));
    start(&store).await.drain().await.unwrap();
    clock.advance(Duration::from_hours(24));
    start(&store).await.drain().await.unwrap();
    store.pause_schedule("clean-up").await.unwrap();
    let insert = "INSERT INTO schedules
                  (name, task_kind, task_parameters, expression, time_zone, next_at, computed_at)
                  VALUES ('x' || char(27, 10) || 'y', 'test', '{}', 'soon', 'UTC', 1, 1),
                         ('z', 'test', '{}', '* * * * *', 'Mars/Olympus', NULL, 1)";
    connection().execute(insert, []).unwrap();
    let all = records(&store).await;
    let wrong: Vec<_> = all.iter().map(|record| record.wrong.is_some()).collect();
    assert_eq!(wrong, [false, false, true, true]);
    let report = &all[1];
    assert_eq!((&*report.name, &*report.kind), ("report", "test"));
    assert_eq!(report.parameters, json!({}));
    assert_eq!((report.last_task, all[0].last_task), (Some(2), None));
    // How far it is depends on the day.
    let listed = program(&["schedule", "list"]);
    let (before, after) = listed.split_once(" (").unwrap();
    let (_, after) = after.split_once(')').unwrap();
    insta::assert_snapshot!(format!("{before}{after}"), @r"
    clean-up                  test  @yearly  UTC  paused since 2030-01-02T10:00:00Z
    report                    test  0 9 * * *  UTC  next 2030-01-03T09:00:00Z  last task 2
    x� y                      test  soon  UTC  can't be read: Invalid pattern: Pattern must have between 5 and 7 fields.
    z                         test  * * * * *  Mars/Olympus  can't be read: failed to find time zone `Mars/Olympus` in time zone database
    ");
}

/// The last task of each is found at once, however many there are.
#[tokio::test]
async fn listing_reads_no_history() {
    let store = store();
    let mut asked = statements(&store, records(&store)).await;
    asked.retain(|sql| sql.contains("last_task"));
    insta::assert_snapshot!(plans(&asked), @r"
    SELECT *, iif(paused_at IS NULL, next_at, NULL) AS next, (SELECT id FROM tasks WHERE schedule = name ORDER BY tick DESC LIMIT 1) AS last_task FROM schedules WHERE ?1 IS NULL OR name = ?1 ORDER BY name
        SCAN schedules
        CORRELATED SCALAR SUBQUERY 1
        SEARCH tasks USING COVERING INDEX ticks (schedule=?)
    ");
}

#[tokio::test]
async fn they_are_asked_for_and_told() {
    let store = store();
    add(&store, "report", EACH_DAY).await;
    for (command, told) in [
        ("pause", "schedule report is paused\n"),
        ("pause", "schedule report was paused already\n"),
        ("resume", "schedule report is resumed\n"),
        ("resume", "schedule report wasn't paused\n"),
        ("remove", "schedule report is removed\n"),
        ("remove", "error: there is no schedule \"report\"\n"),
        ("next", "error: there is no schedule \"report\"\n"),
    ] {
        assert_eq!(program(&["schedule", command, "report"]), told);
    }
    assert_eq!(program(&["schedule", "list"]), "");
    let insert = "INSERT INTO schedules
                  (name, task_kind, task_parameters, expression, time_zone, next_at, computed_at)
                  VALUES ('old', 'test', '{}', '0 0 0 1 1 * 2001', 'UTC', NULL, 1)";
    connection().execute(insert, []).unwrap();
    let told = program(&["schedule", "next", "old"]);
    assert_eq!(told, "schedule old never comes again\n");
    for count in ["0", "65536"] {
        let refused = program(&["schedule", "next", "old", "--count", count]);
        assert!(refused.contains("invalid value"), "{refused}");
    }
}
