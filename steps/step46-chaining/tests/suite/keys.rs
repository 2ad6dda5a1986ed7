//! Kinds of which only so many tasks may run at once for each key.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use rusqlite::Connection;
use rusqlite::trace::{TraceEvent, TraceEventCodes};
use serde_json::json;
use step46_chaining::{
    Clock, Created, Execution, Handler, IfExists, NewTask, Next, Priority, Registry, Selection,
    Store, Which,
};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::common::{
    acquire, connection, create_tasks, database, end, engine_with, new_task, rows, statements,
    store, until,
};
use crate::inspection::program;
use crate::monitoring::plans;
use crate::notifications::fall_asleep;
use crate::recovery::{observe, silent_engine, store_with_clock};

const HELD: &str = "SELECT group_concat(id, ' ' ORDER BY id) FROM tasks WHERE held = 1";
const RUNNING: &str =
    "SELECT group_concat(id, ' ' ORDER BY id) FROM tasks WHERE status = 'running'";
const STATUSES: &str = "SELECT status, count(*) FROM tasks GROUP BY 1";

async fn limit(store: &Store, max_running: u32) -> bool {
    let limited = store.limit_keys("test", NonZero::new(max_running));
    limited.await.unwrap()
}

fn of(key: &str) -> NewTask {
    new_task().concurrency_key(key)
}

/// Creates a task of each of these keys, which are letters, in this order.
async fn create(store: &Store, keys: &str) {
    for key in keys.chars() {
        store.create(of(&key.to_string())).await.unwrap();
    }
}

async fn limited(max_running: u32, keys: &str) -> Store {
    let store = store();
    limit(&store, max_running).await;
    create(&store, keys).await;
    store
}

/// The key of the task that is acquired.
async fn next_key(store: &Store) -> Option<(String, Execution)> {
    let task = acquire(store).await?;
    let key = format!("SELECT concurrency_key FROM tasks WHERE id = {}", task.id);
    Some((rows(&key), Execution::of(task)))
}

async fn stop(store: &Store, execution: &Execution, next: Next) {
    let outcome = match next {
        Next::Stopped => Ok(json!(null)),
        _ => Err("down".into()),
    };
    let _ = store.end(execution, outcome, next).await.unwrap();
}

#[tokio::test]
async fn no_more_of_a_key_run_at_once() {
    let store = limited(2, "aaaabb").await;
    let first = acquire(&store).await.unwrap();
    for id in [2, 5, 6] {
        assert_eq!(acquire(&store).await.unwrap().id, id);
    }
    assert!(acquire(&store).await.is_none());
    // Those without a key aren't counted, nor is any key of another kind.
    store.create(of("c")).await.unwrap();
    let other = "UPDATE tasks SET status = 'running', task_kind = 'other' WHERE id = 7";
    connection().execute_batch(other).unwrap();
    create(&store, "cc").await;
    for id in [8, 9] {
        assert_eq!(acquire(&store).await.unwrap().id, id);
    }
    create_tasks(&store, 3).await;
    for _ in 0..3 {
        acquire(&store).await.unwrap();
    }
    assert!(acquire(&store).await.is_none());
    assert_eq!(rows(HELD), "3 4");
    let _ = end(&store, first).await;
    assert_eq!(acquire(&store).await.unwrap().id, 3);
    assert!(acquire(&store).await.is_none());
}

#[tokio::test]
async fn without_a_limit_a_key_is_nothing() {
    let store = store();
    create(&store, "aaa").await;
    store.limit_keys("other", NonZero::new(1)).await.unwrap();
    for id in 1..=3 {
        assert_eq!(acquire(&store).await.unwrap().id, id);
    }
    assert_eq!(rows(HELD), "NULL");
}

/// The keys of those that one worker executes, one after the other.
async fn order(store: &Store, clock: &Clock) -> String {
    let mut order = String::new();
    while let Some((key, execution)) = next_key(store).await {
        order += &key;
        clock.advance(Duration::from_millis(1));
        stop(store, &execution, Next::Stopped).await;
    }
    order
}

#[tokio::test]
async fn both_limits_hold() {
    let (store, clock) = store_with_clock();
    limit(&store, 1).await;
    create(&store, "aabbcc").await;
    store.limit_kind("test", NonZero::new(2)).await.unwrap();
    let a = acquire(&store).await.unwrap();
    let b = acquire(&store).await.unwrap();
    assert_eq!((a.id, b.id), (1, 3));
    assert!(acquire(&store).await.is_none());
    clock.advance(Duration::from_millis(1));
    let _ = end(&store, b).await;
    // The next one of b is behind those of c, of which one may run.
    assert_eq!(acquire(&store).await.unwrap().id, 5);
    assert!(acquire(&store).await.is_none());
    let _ = end(&store, a).await;
    assert_eq!(acquire(&store).await.unwrap().id, 2);
}

/// Where the kind is what is full.
#[tokio::test]
async fn keys_of_a_kind_that_is_full_have_turns() {
    let (store, clock) = store_with_clock();
    limit(&store, 1).await;
    store.limit_kind("test", NonZero::new(1)).await.unwrap();
    create(&store, "aaaaaabbcc").await;
    assert_eq!(order(&store, &clock).await, "abcabcaaaa");
}

/// A worker that is alone has nothing to look at that a key holds up, but looks: the tasks of a key
/// that is full leave their places in the queue.
#[tokio::test]
async fn keys_have_turns() {
    let (store, clock) = store_with_clock();
    limit(&store, 1).await;
    create(&store, "aaaaaabbcc").await;
    assert_eq!(order(&store, &clock).await, "abcabcaaaa");
}

/// A hundred at a look, two looks an acquisition: nobody waits for the end of a flood.
#[tokio::test]
async fn a_flood_is_held_bit_by_bit() {
    let store = limited(1, &"a".repeat(1000)).await;
    let holder = acquire(&store).await.unwrap();
    assert_eq!(rows("SELECT sum(held) FROM tasks"), "100");
    create(&store, "b").await;
    let selection = Selection {
        instance: "test".into(),
        engine: None,
        kinds: ["test".to_owned()].into(),
        taken: Arc::default(),
    };
    let mut looks = 1;
    let found = loop {
        let acquired = store.try_acquire_task(&selection).await.unwrap();
        if let Some(task) = acquired.task {
            break task;
        }
        // It looks again at once.
        assert!(acquired.next.unwrap() <= store.now());
        looks += 1;
    };
    assert_eq!((found.id, looks), (1001, 9));
    // Now nothing is left to look at, and no alarm rings.
    let asked = statements(&store, async {
        let acquired = store.try_acquire_task(&selection).await.unwrap();
        assert_eq!((acquired.task, acquired.next), (None, None));
    });
    let held = |sql: &&String| sql.starts_with("UPDATE");
    assert_eq!(asked.await.iter().filter(held).count(), 0);
    let _ = end(&store, holder).await;
    assert_eq!(acquire(&store).await.unwrap().id, 2);
    assert_eq!(rows("SELECT sum(held) FROM tasks"), "998");
}

/// A key that is full costs as much as ten thousand.
#[tokio::test]
async fn ten_thousand_keys_cost_as_much_as_one() {
    let mut counts = Vec::new();
    let store = limited(1, "aa").await;
    let _a = acquire(&store).await;
    for keys in [0, 9_999] {
        let insert = format!(
            "WITH RECURSIVE n (n) AS (SELECT 1 WHERE {keys} UNION ALL SELECT n + 1 FROM n WHERE n < {keys})
             INSERT INTO tasks
             (task_kind, task_parameters, concurrency_key, status, held, created_at, updated_at)
             SELECT 'test', '{{}}', n, status, status = 'waiting', 0, 0
             FROM n, (SELECT 'running' AS status UNION ALL SELECT 'waiting')"
        );
        connection().execute_batch(&insert).unwrap();
        create(&store, "x").await;
        let asked = statements(&store, async {
            let x = acquire(&store).await.unwrap();
            let _ = end(&store, x).await;
        });
        counts.push(asked.await.len());
    }
    assert_eq!(counts[0], counts[1]);
    assert_eq!(rows("SELECT sum(held) FROM tasks"), "10000");
}

/// Whatever the task leaves its place for, and whoever makes it leave.
#[tokio::test]
async fn a_place_that_is_left_is_taken() {
    let (store, clock) = store_with_clock();
    limit(&store, 1).await;
    let later = store.now() + Duration::from_hours(1);
    let sql = |sql: &'static str| connection().execute_batch(sql).unwrap();
    for way in 0..11 {
        create(&store, "aaa").await;
        let holder = Execution::of(acquire(&store).await.unwrap());
        assert!(acquire(&store).await.is_none());
        assert_eq!(rows("SELECT sum(held) FROM tasks"), "2", "{way}");
        match way {
            0 => stop(&store, &holder, Next::Stopped).await,
            1 => stop(&store, &holder, Next::Failed).await,
            2 => stop(&store, &holder, Next::RetryAt(later)).await,
            3 => {
                stop(&store, &holder, Next::PutBack).await;
                let _ = store.cancel(Which::Task(holder.task.id)).await.unwrap();
            }
            4 => {
                let _ = store.cancel(Which::Task(holder.task.id)).await.unwrap();
                stop(&store, &holder, Next::Failed).await;
            }
            5 => sql("DELETE FROM tasks WHERE status = 'running'"),
            6 => sql("UPDATE tasks SET status = 'failed' WHERE status = 'running'"),
            7 => sql("UPDATE tasks SET concurrency_key = 'b' WHERE status = 'running'"),
            // One that isn't held, and waits, has the place too: it is moved, deleted, cancelled.
            8 => {
                stop(&store, &holder, Next::Stopped).await;
                sql("UPDATE tasks SET scheduled_at = 1e15 WHERE status = 'waiting' AND NOT held");
            }
            9 => {
                stop(&store, &holder, Next::Stopped).await;
                sql("DELETE FROM tasks WHERE status = 'waiting' AND NOT held");
            }
            _ => {
                sql("UPDATE tasks SET engine_id = 1000 WHERE status = 'running'");
                silent_engine(&store, 900, 0).await;
                let recovered = || rows(RUNNING) == "NULL";
                observe(&store, &clock, recovered).await;
                let _ = store.cancel(Which::Task(holder.task.id)).await.unwrap();
            }
        }
        let next = acquire(&store).await.map(|task| task.id);
        assert!(next > Some(holder.task.id), "{way}: {next:?}");
        sql("DELETE FROM tasks; DELETE FROM engines");
    }
}

/// What is done to a task that is held isn't lost.
#[tokio::test]
async fn a_task_that_is_held_can_be_changed() {
    let (store, clock) = store_with_clock();
    limit(&store, 1).await;
    let later = store.now() + Duration::from_hours(1);
    create(&store, "aa").await;
    let moved = of("a").unique("moved").if_exists(IfExists::Move);
    store.create(moved.clone()).await.unwrap();
    create(&store, "a").await;
    let holder = acquire(&store).await.unwrap();
    assert_eq!(rows(HELD), "2 3 4");

    let _ = store.cancel(Which::Task(2)).await.unwrap();
    let created = store.try_create(moved.at(later)).await.unwrap();
    assert_eq!(created, Created::Changed(3));
    store.retry_task(4).await.unwrap();
    assert_eq!(rows(HELD), "NULL");
    store.retry_task(2).await.unwrap();
    assert!(acquire(&store).await.is_none());
    assert_eq!(rows(HELD), "2 4");
    let _ = end(&store, holder).await;
    for id in [2, 4] {
        let task = acquire(&store).await.unwrap();
        assert_eq!(task.id, id);
        let _ = end(&store, task).await;
    }
    assert!(acquire(&store).await.is_none());
    clock.advance(Duration::from_hours(1));
    assert_eq!(acquire(&store).await.unwrap().id, 3);
}

#[tokio::test]
async fn all_can_be_cancelled() {
    let store = limited(1, &"a".repeat(2500)).await;
    let holder = Execution::of(acquire(&store).await.unwrap());
    assert!(acquire(&store).await.is_none());
    let cancelled = store.cancel(Which::Kind("test".to_owned())).await.unwrap();
    assert_eq!((cancelled.waiting, cancelled.running), (2499, 1));
    stop(&store, &holder, Next::Failed).await;
    assert_eq!(rows(STATUSES), "cancelled | 2500");
    assert_eq!(rows(HELD), "NULL");
}

/// Each priority sends its first one, and the worker chooses: one turn in ten looks at no priority.
#[tokio::test]
async fn priorities_hold_in_a_key() {
    let (store, clock) = store_with_clock();
    limit(&store, 1).await;
    create(&store, "a").await;
    for priority in [Priority::Low, Priority::Normal, Priority::High] {
        for _ in 0..2 {
            store.create(of("a").priority(priority)).await.unwrap();
        }
    }
    let mut order = Vec::new();
    while let Some(task) = acquire(&store).await {
        order.push(task.id);
        clock.advance(Duration::from_millis(1));
        let _ = end(&store, task).await;
    }
    assert_eq!(order, [6, 7, 1, 4, 5, 2, 3]);
}

#[tokio::test]
async fn a_limit_can_be_changed() {
    let store = limited(1, "aaaaaabbb").await;
    assert!(!limit(&store, 1).await);
    let first = acquire(&store).await.unwrap();
    assert_eq!(acquire(&store).await.unwrap().id, 7);
    assert!(acquire(&store).await.is_none());
    assert!(limit(&store, 3).await);
    for id in [2, 3, 8, 9] {
        assert_eq!(acquire(&store).await.unwrap().id, id);
    }
    assert!(acquire(&store).await.is_none());
    // Those that run are left to end.
    assert!(limit(&store, 1).await);
    let _ = end(&store, first).await;
    assert!(acquire(&store).await.is_none());
    assert!(store.limit_keys("test", None).await.unwrap());
    assert!(!store.limit_keys("test", None).await.unwrap());
    assert_eq!(rows(HELD), "NULL");
    for _ in 4..=6 {
        acquire(&store).await.unwrap();
    }
}

#[tokio::test]
async fn all_are_released_with_the_limit() {
    let store = limited(1, "").await;
    let flood = store.transaction(|tx| {
        for _ in 0..2500 {
            tx.create(of("a"))?;
        }
        Ok(())
    });
    flood.await.unwrap();
    let _holder = acquire(&store).await.unwrap();
    while rows("SELECT sum(held) FROM tasks") != "2499" {
        assert!(acquire(&store).await.is_none());
    }
    let asked = statements(&store, async {
        store.limit_keys("test", None).await.unwrap();
    });
    let batches = |sql: &&String| sql.contains("SET held = 0");
    assert_eq!(asked.await.iter().filter(batches).count(), 3);
    assert_eq!(rows(HELD), "NULL");
}

/// If a key has tasks that are held, then as many run, or wait to be looked at, as may run: there is
/// always somebody to make room for them.
fn check_places(sql: &Connection, store: &Store, max: &mut BTreeMap<String, i64>, what: &str) {
    let now = store.now().as_millisecond();
    let places = format!(
        "SELECT concurrency_key, sum(status = 'running'), sum(held),
             sum(status = 'running' OR status = 'waiting' AND NOT held AND scheduled_at <= {now}),
             coalesce((SELECT max_running FROM limited_keys), 1000)
         FROM tasks WHERE concurrency_key NOT NULL GROUP BY 1"
    );
    let mut places = sql.prepare(&places).unwrap();
    let mut places = places.query([]).unwrap();
    while let Some(row) = places.next().unwrap() {
        let key: String = row.get(0).unwrap();
        let number = |column| row.get::<_, i64>(column).unwrap();
        let (running, held, there, limit) = (number(1), number(2), number(3), number(4));
        // As many as before may run, even if the limit is lower now, or fewer.
        let most = max.entry(key.clone()).or_default();
        assert!(
            running <= limit.max(*most),
            "{what}: {running} of {key} run"
        );
        *most = running;
        assert!(
            held == 0 || there >= limit,
            "{what}: {held} of {key} are held, and nobody makes room"
        );
    }
    let nonsense = "SELECT count(*) FROM tasks WHERE held AND status <> 'waiting'";
    let nonsense: i64 = sql.query_one(nonsense, [], |row| row.get(0)).unwrap();
    assert_eq!(nonsense, 0, "{what}");
}

async fn any_sequence(seed: u64, sql: &Connection, store: &Store, clock: &Clock) {
    let mut random = Rng::with_seed(seed);
    let (mut running, mut max) = (Vec::new(), BTreeMap::new());
    sql.execute_batch("DELETE FROM tasks; DELETE FROM limited_keys")
        .unwrap();
    limit(store, 1).await;
    for step in 0..120 {
        let keys = ["a", "b", "c"];
        let any = format!(
            "SELECT id FROM tasks ORDER BY id * {} % 101 LIMIT 1",
            step + 7
        );
        let any = sql.query_one(&any, [], |row| row.get(0)).unwrap_or(0);
        let what = random.u8(0..20);
        match what {
            0..6 => {
                let mut task = of(keys[random.usize(0..3)]);
                task = task.priority(Priority::ALL[random.usize(0..3)]);
                if random.u8(0..4) == 0 {
                    task = task.at(store.now() + Duration::from_millis(random.u64(1..20)));
                }
                if random.u8(0..4) == 0 {
                    let key = format!("{}", random.u8(0..3));
                    task = task.unique(key).if_exists(IfExists::Move);
                }
                store.create(task).await.unwrap();
            }
            6..11 => running.extend(acquire(store).await.map(Execution::of)),
            11..15 if !running.is_empty() => {
                let execution = running.swap_remove(random.usize(0..running.len()));
                let later = store.now() + Duration::from_millis(random.u64(1..20));
                let nexts = [
                    Next::Stopped,
                    Next::Failed,
                    Next::PutBack,
                    Next::RetryAt(later),
                ];
                stop(store, &execution, nexts[random.usize(0..4)]).await;
            }
            15 => drop(store.cancel(Which::Task(any)).await),
            16 => drop(store.retry_task(any).await),
            17 => {
                let now = store.now().as_millisecond();
                let hand = [
                    format!("DELETE FROM tasks WHERE id = {any}"),
                    format!("UPDATE tasks SET status = 'failed' WHERE id = {any}"),
                    format!("UPDATE tasks SET scheduled_at = {now} + 9 WHERE id = {any}"),
                    format!(
                        "UPDATE tasks SET concurrency_key = 'b' WHERE id = {any}
                             AND status = 'waiting'"
                    ),
                ];
                sql.execute_batch(&hand[random.usize(0..4)]).unwrap();
            }
            18 => {
                let limit = NonZero::new(random.u32(0..4));
                store.limit_keys("test", limit).await.unwrap();
            }
            _ => clock.advance(Duration::from_millis(random.u64(1..10))),
        }
        check_places(
            sql,
            store,
            &mut max,
            &format!("seed {seed}, step {step}, {what}"),
        );
    }
    // All comes to its end.
    clock.advance(Duration::from_secs(1));
    for execution in running {
        stop(store, &execution, Next::Stopped).await;
    }
    while let Some(task) = acquire(store).await {
        let _ = end(store, task).await;
    }
    let left = "SELECT id, status FROM tasks WHERE status IN ('waiting', 'running')";
    assert_eq!(rows(left), "", "seed {seed}");
}

#[tokio::test]
async fn in_any_sequence_somebody_makes_room_for_those_that_are_held() {
    let (store, clock) = store_with_clock();
    let sql = connection();
    for seed in 0..20 {
        any_sequence(seed, &sql, &store, &clock).await;
    }
}

#[test]
fn the_limit_is_exact_whoever_acquires() {
    let keys = "abcaabbccaaaabbcca".repeat(4);
    let setup = Runtime::new().unwrap();
    setup.block_on(limited(2, &keys));
    let path = database();
    let barrier = Barrier::new(4);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let store = Store::open(&path).unwrap();
                let connection = Connection::open(&path).unwrap();
                let number =
                    |sql: &str| -> i64 { connection.query_one(sql, [], |row| row.get(0)).unwrap() };
                let work = async {
                    barrier.wait();
                    let started_at = Instant::now();
                    while number("SELECT count(*) FROM tasks WHERE status = 'waiting'") > 0 {
                        assert!(started_at.elapsed().as_secs() < 60, "it doesn't come");
                        if let Some(task) = acquire(&store).await {
                            let most = "SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n
                                        FROM tasks WHERE status = 'running'
                                        GROUP BY concurrency_key)";
                            assert!(number(most) <= 2);
                            let _ = end(&store, task).await;
                        }
                    }
                };
                Runtime::new().unwrap().block_on(work);
            });
        }
    });
}

/// Whoever makes room, with this store or in another process. The clock stands still: no alarm helps.
#[tokio::test]
async fn whoever_makes_room_wakes_an_engine() {
    let (store, clock) = store_with_clock();
    let other = Store::open_with_clock(database(), clock).unwrap();
    for by in [&store, &other] {
        for way in 0..4 {
            limit(&store, 1).await;
            create(&store, "aaa").await;
            let holder = Execution::of(acquire(by).await.unwrap());
            let registry = Registry::default().with_handler("test", Handler::new(|_| async {}));
            let engine = engine_with("other", 5, &store, registry);
            let engine = engine.start().await.unwrap();
            fall_asleep(&store).await;
            assert_eq!(rows(STATUSES), "running | 1\nwaiting | 2");
            match way {
                0 => stop(by, &holder, Next::Stopped).await,
                1 => drop(by.limit_keys("test", NonZero::new(2)).await.unwrap()),
                2 => drop(by.limit_keys("test", None).await.unwrap()),
                _ => connection()
                    .execute_batch("DELETE FROM tasks WHERE status = 'running'")
                    .unwrap(),
            }
            until(|| !rows(STATUSES).contains("waiting")).await;
            engine.shutdown().await.unwrap();
            connection().execute_batch("DELETE FROM tasks").unwrap();
        }
    }
}

#[tokio::test]
async fn a_key_at_its_limit_costs_nothing() {
    let store = limited(1, &"a".repeat(50)).await;
    acquire(&store).await.unwrap();
    let registry = Registry::default().with_handler("test", Handler::new(|_| async {}));
    let engine = engine_with("other", 5, &store, registry);
    let engine = engine.start().await.unwrap();
    fall_asleep(&store).await;
    let asked = statements(&store, async {
        fall_asleep(&store).await;
        fall_asleep(&store).await;
    });
    let asked = asked.await;
    let acquisitions = asked.iter().filter(|sql| sql.contains("limited_keys"));
    assert_eq!(acquisitions.count(), 0, "{asked:#?}");
    engine.shutdown().await.unwrap();
}

/// They are due: it is only for a while that they may not start.
#[tokio::test]
async fn drain_waits_for_those_that_are_held() {
    static LOOKS: AtomicUsize = AtomicUsize::new(0);
    let store = limited(1, "aaa").await;
    let holder = acquire(&store).await.unwrap();
    let registry = Registry::default().with_handler("test", Handler::new(|_| async {}));
    let engine = engine_with("other", 5, &store, registry);
    let engine = engine.start().await.unwrap();
    fall_asleep(&store).await;
    let looks: fn(TraceEvent) = |event| {
        if let TraceEvent::Stmt(statement, _) = event
            && statement.sql().contains("held = 1")
        {
            LOOKS.fetch_add(1, Ordering::Relaxed);
        }
    };
    let count = store.reader().read(move |sql| {
        sql.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(looks));
        Ok(())
    });
    count.await.unwrap();
    let mut drained = tokio::spawn(engine.drain());
    until(|| drained.is_finished() || LOOKS.load(Ordering::Relaxed) > 2).await;
    assert!(!drained.is_finished());
    let _ = end(&store, holder).await;
    let ended = timeout(Duration::from_mins(1), &mut drained).await;
    ended.expect("it ends").unwrap().unwrap();
    assert_eq!(rows(STATUSES), "stopped | 3");
}

/// Paused, they aren't due.
#[tokio::test]
async fn drain_leaves_those_of_a_paused_kind() {
    let store = limited(1, "aaa").await;
    let _holder = acquire(&store).await.unwrap();
    store.pause_kind("test").await.unwrap();
    let registry = Registry::default().with_handler("test", Handler::new(|_| async {}));
    let engine = engine_with("other", 5, &store, registry);
    let engine = engine.start().await.unwrap();
    let drained = timeout(Duration::from_mins(1), engine.drain()).await;
    drained.expect("it ends").unwrap();
    assert_eq!(rows(HELD), "2 3");
}

/// Those that are held wait, for who bounds them, and who looks at them.
#[tokio::test]
async fn those_that_are_held_wait() {
    let store = limited(1, "aaa").await;
    let _holder = acquire(&store).await.unwrap();
    store.bound_kind("test", Some(2)).await.unwrap();
    let refused = store.create(new_task()).await.unwrap_err();
    assert!(refused.to_string().contains('2'), "{refused}");
    let kinds = store.reader().kinds(&Registry::default()).await.unwrap();
    assert_eq!((kinds[0].waiting, kinds[0].running), (2, 1));
    assert_eq!(kinds[0].max_per_key, Some(1));
    assert!(kinds[0].oldest_since.is_some());
    assert_eq!(store.waiting_kinds().await.unwrap(), ["test"]);
}

#[tokio::test]
async fn it_is_asked_for_and_told() {
    let store = limited(2, "aa").await;
    acquire(&store).await.unwrap();
    let told = [
        program(&["limit", "test", "1", "--per-key"]),
        program(&["limit", "test", "1", "--per-key"]),
        program(&["limit", "mail", "7", "--per-key"]),
    ];
    assert!(acquire(&store).await.is_none());
    let create = [
        "create",
        "waiting",
        r#"{"waiting_time": 0}"#,
        "--concurrency-key",
        "é b",
    ];
    let created = program(&create);
    let shown = program(&["show", "2"]) + &program(&["show", "3"]);
    let keys = shown.lines().filter(|line| line.contains("key"));
    let keys: Vec<_> = keys.collect();
    let listed = program(&["kinds"]);
    let limits = listed.lines().filter(|line| line.contains("per key"));
    let limits = limits.map(|line| {
        let (kind, _) = line.split_once(' ').unwrap();
        format!("{kind}: {}", line.split_once("  at most ").unwrap().1)
    });
    let limits: Vec<_> = limits.collect();
    let untold = [
        program(&["unlimit", "test", "--per-key"]),
        program(&["unlimit", "test", "--per-key"]),
    ];
    let all = [
        told.concat(),
        created,
        keys.join("\n"),
        limits.join("\n"),
        untold.concat(),
    ];
    insta::assert_snapshot!(all.join("\n"));
}

/// Neither the tasks that wait, nor those that are held, nor the keys are read one by one.
#[tokio::test]
async fn no_query_looks_at_those_that_are_held() {
    let store = limited(1, "aab").await;
    let mut asked = statements(&store, async {
        let task = acquire(&store).await.unwrap();
        let _ = end(&store, task).await;
        store.limit_keys("test", NonZero::new(2)).await.unwrap();
        store.limit_keys("test", None).await.unwrap();
    })
    .await;
    asked.retain(|sql| sql.contains("held") || sql.contains("limited_keys"));
    asked.retain(|sql| !sql.starts_with("--"));
    asked.sort();
    asked.dedup();
    // What the trigger searches.
    asked.push(
        "SELECT id FROM tasks WHERE held = 1 AND task_kind = ?1 AND concurrency_key = ?2
         AND priority = ?3 ORDER BY id LIMIT 1"
            .to_owned(),
    );
    insta::assert_snapshot!(plans(&asked));
}

/// Whoever writes it: nobody could read it, and all kinds would be hidden with it.
#[tokio::test]
async fn a_limit_of_keys_is_one_that_can_be_read() {
    let _store = store();
    for max_running in [0_i64, 1 << 32, i64::MAX] {
        let insert = "INSERT INTO limited_keys VALUES ('test', ?1)";
        let error = connection().execute(insert, [max_running]).unwrap_err();
        assert!(error.to_string().contains("key_limit"), "{error}");
    }
}
