//! What becomes of ticks that nobody was there for, or whose task would overlap another.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use step47_prefetch::{
    Clock, Config, Engine, Handler, Missed, Registry, RetryPolicy, RunningEngine, Schedule, Store,
    TaskError,
};
use tokio::sync::Semaphore;

use crate::common::{connection, database, log, new_task, rows, statements, store, until};
use crate::inspection::program;
use crate::monitoring::plans;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const EACH_SECOND: &str = "* * * * * *";
const EACH_DAY: &str = "0 9 * * *";
const NEXT: &str = "SELECT name, datetime(next_at / 1000, 'unixepoch') FROM schedules";

/// The same database, for a clock of one's own.
fn store_at(date: &str) -> (Store, Clock) {
    let _log = store();
    let clock = Clock::manual(date.parse().unwrap());
    let store = Store::open_with_clock(database(), clock.clone()).unwrap();
    (store, clock)
}

fn schedule(name: &str, expression: &str) -> Schedule {
    Schedule::new(name, new_task(), expression).unwrap()
}

async fn add(store: &Store, name: &str, expression: &str, missed: Missed) {
    let schedule = schedule(name, expression).missed(missed);
    store.add_schedule(schedule).await.unwrap();
}

/// Executes tasks of the kind `test`; looks at nothing by itself, but for the schedules' sake.
async fn start(store: &Store, handler: Handler) -> RunningEngine {
    let config = Config {
        instance: "test".to_owned(),
        watch_interval: HOUR,
        wake_up_interval: HOUR,
        retry_policy: RetryPolicy {
            first_delay: Duration::from_secs(10),
            max_retries: 1,
            jitter: 0.0,
            ..RetryPolicy::default()
        },
        ..Config::default()
    };
    let registry = Registry::default().with_handler("test", handler);
    let engine = Engine::new(store.clone(), registry, config);
    engine.start().await.unwrap()
}

/// An engine looks, executes what is due, and goes.
async fn come(store: &Store) {
    let nothing = Handler::new(|_| async {});
    start(store, nothing).await.drain().await.unwrap();
}

/// Executes a task each time that somebody lets it.
fn held() -> (Handler, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let held = gate.clone();
    let handler = Handler::new(move |_| {
        let held = held.clone();
        async move { held.acquire().await.unwrap().forget() }
    });
    (handler, gate)
}

/// The next tick comes, and all schedules have moved on.
async fn pass(clock: &Clock, seconds: u32) {
    for _ in 0..seconds {
        clock.advance(SECOND);
        let now = clock.now().as_millisecond();
        let due = format!("SELECT name FROM schedules WHERE next_at <= {now}");
        until(|| rows(&due).is_empty()).await;
    }
}

/// The ticks of this schedule that have a task, in the order of the tasks.
fn ticks(schedule: &str) -> Vec<Timestamp> {
    let ticks = format!("SELECT tick FROM tasks WHERE schedule = '{schedule}' ORDER BY id");
    let ticks = rows(&ticks);
    let ticks = ticks.lines().map(|tick| tick.parse().unwrap());
    ticks
        .map(|tick| Timestamp::from_millisecond(tick).unwrap())
        .collect()
}

async fn clear(store: &Store) {
    let clear = store.transaction(|tx| Ok(tx.execute("DELETE FROM schedules", [])?));
    clear.await.unwrap();
}

fn status(id: i64) -> String {
    rows(&format!("SELECT status FROM tasks WHERE id = {id}"))
}

/// The lines of the log that say this, without the time.
fn told(words: &str) -> Vec<String> {
    let log = log();
    let told = log.lines().filter(|line| line.contains(words));
    told.map(|line| line.trim().to_owned()).collect()
}

#[tokio::test]
async fn an_engine_was_down_over_three_ticks() {
    let (store, clock) = store_at("2030-01-01T12:00:00Z");
    add(&store, "skip", EACH_DAY, Missed::Skip).await;
    add(&store, "once", EACH_DAY, Missed::Once).await;
    add(&store, "all", EACH_DAY, Missed::All).await;
    clock.advance(3 * 24 * HOUR);
    come(&store).await;
    // Nothing is left to do.
    come(&store).await;
    let made = "SELECT schedule, datetime(tick / 1000, 'unixepoch'), scheduled_at = tick, status
                FROM tasks ORDER BY schedule, tick";
    insta::assert_snapshot!(rows(made), @r"
    all | 2030-01-02 09:00:00 | 1 | stopped
    all | 2030-01-03 09:00:00 | 1 | stopped
    all | 2030-01-04 09:00:00 | 1 | stopped
    once | 2030-01-02 09:00:00 | 1 | stopped
    ");
    insta::assert_snapshot!(rows(NEXT), @r"
    all | 2030-01-05 09:00:00
    once | 2030-01-05 09:00:00
    skip | 2030-01-05 09:00:00
    ");
    insta::assert_snapshot!(
        told("missed").join("\n"),
        @r#"INFO missed ticks skipped schedule="skip" since=2030-01-02T09:00:00Z"#
    );
}

#[tokio::test]
async fn a_tick_is_missed_once_it_is_a_minute_late() {
    for (late, made) in [(Duration::from_millis(59_999), 1), (MINUTE, 0)] {
        let (store, clock) = store_at("2030-01-01T08:59:59Z");
        let name = format!("{late:?}");
        add(&store, &name, EACH_DAY, Missed::Skip).await;
        clock.advance(SECOND + late);
        come(&store).await;
        assert_eq!(ticks(&name).len(), made, "{late:?}");
    }
}

/// Those of the last minute aren't missed: they make one task, as ever.
#[tokio::test]
async fn skipping_ends_a_minute_ago() {
    let (store, clock) = store_at("2030-01-01T00:00:00Z");
    add(&store, "each-second", EACH_SECOND, Missed::Skip).await;
    clock.advance(HOUR);
    come(&store).await;
    let made: Timestamp = "2030-01-01T00:59:01Z".parse().unwrap();
    assert_eq!(ticks("each-second"), [made]);
    assert_eq!(rows(NEXT), "each-second | 2030-01-01 01:00:01");
}

#[tokio::test]
async fn no_more_than_a_hundred_ticks_are_made_up_for() {
    for (missed, made, first) in [
        (99, 99, 1),
        (100, 100, 1),
        (101, 100, 2),
        (86_400, 100, 86_301),
    ] {
        let (store, clock) = store_at("2030-01-01T00:00:00Z");
        let began = clock.now();
        let name = missed.to_string();
        add(&store, &name, EACH_SECOND, Missed::All).await;
        clock.advance(missed * SECOND);
        come(&store).await;
        let expected: Vec<_> = (first..first + made).map(|n| began + n * SECOND).collect();
        assert_eq!(ticks(&name), expected);
        let dropped = told(&format!("schedule=\"{name}\" since="));
        assert_eq!(dropped.len(), usize::from(missed > 100), "{dropped:?}");
        clear(&store).await;
    }
    insta::assert_snapshot!(
        told("too many").join("\n"),
        @r#"
    WARN too many missed ticks: only the last 100 have tasks schedule="101" since=2030-01-01T00:00:01Z
    WARN too many missed ticks: only the last 100 have tasks schedule="86400" since=2030-01-01T00:00:01Z
    "#
    );
}

/// Looking for them backwards, from the last one on, finds those that would have come.
#[tokio::test]
async fn what_is_made_up_for_is_what_would_have_come() {
    for from in ["2026-03-28T22:30:00.5Z", "2026-10-24T21:30:00.5Z"] {
        for expression in ["30 2 * * *", "*/30 2 * * *", "0 * * * *", "@daily"] {
            let (store, clock) = store_at(from);
            let until = clock.now() + 36 * HOUR;
            let new = |name: &str| schedule(name, expression).time_zone("Europe/Paris");
            let mut expected = Vec::new();
            while clock.now() < until {
                let name = format!("{expression} {}", clock.now());
                let next = store.add_schedule(new(&name)).await.unwrap();
                clock.advance(next.duration_since(clock.now()).unsigned_abs());
                expected.push(next);
            }
            expected.pop();
            clear(&store).await;

            let (store, clock) = store_at(from);
            let name = format!("{expression} {from}");
            let new = new(&name).missed(Missed::All);
            store.add_schedule(new).await.unwrap();
            clock.advance(until.duration_since(clock.now()).unsigned_abs());
            come(&store).await;
            assert_eq!(ticks(&name), expected, "{name}");
            assert!(!expected.is_empty());
            clear(&store).await;
        }
    }
}

/// Each has a connection of its own, as in a process of its own.
#[tokio::test]
async fn four_engines_make_up_for_each_tick_once() {
    let (store, clock) = store_at("2030-01-01T00:00:00Z");
    add(&store, "each-second", EACH_SECOND, Missed::All).await;
    clock.advance(50 * SECOND);
    let engines = (0..4).map(|_| {
        let store = Store::open_with_clock(database(), clock.clone()).unwrap();
        tokio::spawn(async move { come(&store).await })
    });
    for engine in engines.collect::<Vec<_>>() {
        engine.await.unwrap();
    }
    let expected: Vec<_> = (1..=50)
        .map(|n| clock.now() - 50 * SECOND + n * SECOND)
        .collect();
    assert_eq!(ticks("each-second"), expected);
}

/// If one of them is refused, all are for later, and nothing is lost.
#[tokio::test]
async fn a_catch_up_is_all_or_nothing() {
    let (store, clock) = store_at("2030-01-01T00:00:00Z");
    add(&store, "each-second", EACH_SECOND, Missed::All).await;
    clock.advance(5 * SECOND);
    connection()
        .execute_batch(
            "CREATE TRIGGER refuses BEFORE INSERT ON tasks WHEN NEW.tick % 60000 = 4000
             BEGIN SELECT RAISE(ABORT, 'not this one'); END",
        )
        .unwrap();
    come(&store).await;
    assert_eq!(ticks("each-second").len(), 0);
    assert_eq!(told("tick held up").len(), 1, "{}", log());
    connection().execute_batch("DROP TRIGGER refuses").unwrap();
    come(&store).await;
    assert_eq!(ticks("each-second").len(), 5);
}

/// As many as there is room for; the rest isn't lost, nor dropped.
#[tokio::test]
async fn a_full_kind_catches_up_little_by_little() {
    let (store, clock) = store_at("2030-01-01T00:00:00Z");
    store.bound_kind("test", Some(3)).await.unwrap();
    add(&store, "daily", EACH_DAY, Missed::All).await;
    clock.advance(10 * 24 * HOUR);
    let mut made = Vec::new();
    for _ in 0..4 {
        come(&store).await;
        made.push(ticks("daily").len());
    }
    assert_eq!(made.last(), Some(&10), "{made:?}");
    assert!(made[0] >= 3, "{made:?}");
    assert!(ticks("daily").is_sorted());
    assert_eq!(rows(NEXT), "daily | 2030-01-11 09:00:00");
}

#[tokio::test]
async fn a_clock_that_is_set_back_makes_up_for_nothing() {
    let (store, clock) = store_at("2030-01-01T00:00:00Z");
    add(&store, "each-second", EACH_SECOND, Missed::All).await;
    clock.advance(10 * SECOND);
    come(&store).await;
    assert_eq!(ticks("each-second").len(), 10);
    let (store, clock) = store_at("2030-01-01T00:00:05Z");
    come(&store).await;
    clock.advance(5 * SECOND);
    come(&store).await;
    assert_eq!(ticks("each-second").len(), 10);
    clock.advance(SECOND);
    come(&store).await;
    assert_eq!(ticks("each-second").len(), 11);
}

#[tokio::test]
async fn a_tick_has_no_task_while_that_of_an_earlier_one_is_not_done() {
    let (store, clock) = store_at("2030-01-01T00:00:00Z");
    let (handler, gate) = held();
    add(&store, "slow", EACH_SECOND, Missed::Once).await;
    let running = start(&store, handler).await;
    // While it waits, or runs: nobody can tell which.
    pass(&clock, 3).await;
    until(|| status(1) == "running").await;
    pass(&clock, 1).await;
    assert_eq!(ticks("slow").len(), 1);
    gate.add_permits(1);
    until(|| status(1) == "stopped").await;
    pass(&clock, 1).await;
    assert_eq!(ticks("slow").len(), 2);
    gate.add_permits(1);
    running.shutdown().await.unwrap();
    let expected: Vec<_> = [1, 5].map(|n| clock.now() - 5 * SECOND + n * SECOND).into();
    assert_eq!(ticks("slow"), expected);
    insta::assert_snapshot!(told("tick skipped").join("\n"), @r#"
    INFO tick skipped: the task of an earlier one isn't done schedule="slow" tick=2030-01-01T00:00:02Z task=1
    INFO tick skipped: the task of an earlier one isn't done schedule="slow" tick=2030-01-01T00:00:03Z task=1
    INFO tick skipped: the task of an earlier one isn't done schedule="slow" tick=2030-01-01T00:00:04Z task=1
    "#);
}

#[tokio::test]
async fn tasks_overlap_if_it_is_asked_for() {
    let (store, clock) = store_at("2030-01-01T00:00:00Z");
    let (handler, gate) = held();
    let slow = schedule("slow", EACH_SECOND).overlapping();
    store.add_schedule(slow).await.unwrap();
    add(&store, "all", EACH_SECOND, Missed::All).await;
    let running = start(&store, handler).await;
    pass(&clock, 4).await;
    assert_eq!((ticks("slow").len(), ticks("all").len()), (4, 4));
    gate.add_permits(8);
    running.drain().await.unwrap();
}

/// Neither those of another schedule, nor tasks of the same kind that have none.
#[tokio::test]
async fn a_schedule_is_held_up_by_its_own_tasks_only() {
    let (store, clock) = store_at("2030-01-01T00:00:00Z");
    store.create(new_task()).await.unwrap();
    let (handler, gate) = held();
    add(&store, "first", "1 0 0 * * *", Missed::Once).await;
    add(&store, "second", "2 0 0 * * *", Missed::Once).await;
    let running = start(&store, handler).await;
    pass(&clock, 2).await;
    assert_eq!((ticks("first").len(), ticks("second").len()), (1, 1));
    gate.add_permits(3);
    running.drain().await.unwrap();
}

/// What waits for a retry isn't done; what has failed for good is.
#[tokio::test]
async fn a_task_to_be_retried_is_not_done() {
    let (store, clock) = store_at("2030-01-01T00:00:00Z");
    let fails = Handler::fallible(|_| async { Err::<(), TaskError>("not yet".into()) });
    add(&store, "failing", EACH_SECOND, Missed::Once).await;
    let running = start(&store, fails).await;
    pass(&clock, 1).await;
    let executed = || rows("SELECT count(*) FROM task_executions WHERE stopped_at NOT NULL");
    until(|| executed() == "1").await;
    pass(&clock, 5).await;
    assert_eq!(ticks("failing").len(), 1);
    pass(&clock, 5).await;
    until(|| status(1) == "failed").await;
    pass(&clock, 1).await;
    assert_eq!(ticks("failing").len(), 2);
    running.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_unique_task_of_the_same_kind_holds_up_no_tick() {
    let (store, clock) = store_at("2030-01-01T00:00:00Z");
    let (handler, gate) = held();
    store.create(new_task().unique("daily")).await.unwrap();
    add(&store, "daily", "1 0 0 * * *", Missed::Once).await;
    let running = start(&store, handler).await;
    pass(&clock, 1).await;
    assert_eq!(ticks("daily").len(), 1);
    gate.add_permits(2);
    running.drain().await.unwrap();
}

/// The next tick stays: what was missed under the old policy is treated by the new one.
#[tokio::test]
async fn another_policy_counts_for_what_was_missed() {
    let (store, clock) = store_at("2030-01-01T12:00:00Z");
    add(&store, "daily", EACH_DAY, Missed::All).await;
    clock.advance(3 * 24 * HOUR);
    add(&store, "daily", EACH_DAY, Missed::Once).await;
    let kept = "SELECT missed, overlap FROM schedules";
    assert_eq!(rows(kept), "once | 0");
    assert_eq!(rows(NEXT), "daily | 2030-01-02 09:00:00");
    come(&store).await;
    assert_eq!(ticks("daily").len(), 1);
}

/// Whatever program writes them.
#[tokio::test]
async fn the_database_refuses_what_has_no_sense() {
    let _store = store();
    let insert = |missed: &str, overlap: i64| {
        let insert = "INSERT INTO schedules (name, task_kind, task_parameters, expression,
                                             time_zone, computed_at, missed, overlap)
                      VALUES (?1 || ?2, 'test', '{}', '@daily', 'UTC', 0, ?1, ?2)";
        let inserted = connection().execute(insert, (missed, overlap));
        inserted.map(drop).map_err(|error| error.to_string())
    };
    for missed in Missed::WORDS {
        assert_eq!(Missed::of(missed).as_str(), missed);
        insert(missed, 1).unwrap();
    }
    insert("skip", 0).unwrap();
    insert("once", 0).unwrap();
    let refused = [("all", 0), ("once", 2), ("sometimes", 1)];
    let refused = refused.map(|(missed, overlap)| insert(missed, overlap).unwrap_err());
    insta::assert_snapshot!(refused.join("\n"), @r"
    CHECK constraint failed: overlap_or_not
    CHECK constraint failed: overlap_or_not
    CHECK constraint failed: missed_policy
    ");
}

/// As those of a database of before are.
#[tokio::test]
async fn a_schedule_that_says_nothing_makes_up_once_and_overlaps_never() {
    let _store = store();
    let insert = "INSERT INTO schedules (name, task_kind, task_parameters, expression, time_zone,
                                         computed_at)
                  VALUES ('old', 'test', '{}', '@daily', 'UTC', 0)";
    connection().execute(insert, []).unwrap();
    assert_eq!(rows("SELECT missed, overlap FROM schedules"), "once | 0");
}

/// However many tasks of the ticks before there are.
#[tokio::test]
async fn no_task_that_has_ended_is_looked_at() {
    let (store, clock) = store_at("2030-01-01T00:00:00Z");
    add(&store, "each-second", EACH_SECOND, Missed::Once).await;
    clock.advance(SECOND);
    let asked = statements(&store, come(&store)).await;
    let asked = asked
        .into_iter()
        .filter(|sql| sql.contains("WHERE schedule ="));
    let asked: Vec<_> = asked.collect();
    insta::assert_snapshot!(plans(&asked));
}

#[tokio::test]
async fn the_policy_is_asked_for_on_the_command_line() {
    drop(store());
    let waiting = r#"{"waiting_time": 0}"#;
    let add = |name: &str, options: &[&str]| {
        let add = ["schedule", "add", name, "waiting", "@daily", waiting];
        program(&[&add[..], options].concat())
    };
    add("a", &[]);
    add("b", &["--missed", "skip"]);
    add("c", &["--missed", "all"]);
    add("d", &["--overlap"]);
    let wrong = add("e", &["--missed", "never"]);
    assert!(
        wrong.contains("[possible values: skip, once, all]"),
        "{wrong}"
    );
    insta::assert_snapshot!(rows("SELECT name, missed, overlap FROM schedules"), @r"
    a | once | 0
    b | skip | 0
    c | all | 1
    d | once | 1
    ");
}
