//! Kinds of which only so many tasks may wait.

use std::fs;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use step43_housekeeping::{
    Created, Ending, Error, Execution, Handler, IfExists, NewTask, Next, Priority, Registry, Store,
    Which,
};
use tokio::runtime::Runtime;
use tokio::task::{JoinHandle, yield_now};
use tokio::time::timeout;

use crate::common::{
    acquire, connection, create_tasks, database, end, engine, left, log, new_task, rows,
    statements, store, until,
};
use crate::inspection::program;
use crate::monitoring::plans;
use crate::notifications::fall_asleep;
use crate::recovery::{observe, silent_engine, store_with_clock};

const WAITING: &str = "SELECT count(*) FROM tasks WHERE status = 'waiting'";

async fn bound(store: &Store, max_waiting: u32) {
    store.bound_kind("test", Some(max_waiting)).await.unwrap();
}

/// A store of which so many tasks wait, and no more may.
async fn full(waiting: u32) -> Store {
    let store = store();
    create_tasks(&store, waiting.try_into().unwrap()).await;
    bound(&store, waiting).await;
    store
}

async fn is_refused(store: &Store) {
    let refused = store.create(new_task()).await.unwrap_err();
    assert!(matches!(refused, Error::Full { .. }), "{refused:?}");
}

/// One that waits for room, and has looked for it.
async fn waiter(store: &Store) -> JoinHandle<Result<Created, Error>> {
    let (waiting, before) = (store.clone(), log().matches("no room: waiting").count());
    let waiter = tokio::spawn(async move { waiting.create_when_there_is_room(new_task()).await });
    until(|| log().matches("no room: waiting").count() > before || waiter.is_finished()).await;
    fall_asleep(store).await;
    assert!(!waiter.is_finished());
    waiter
}

async fn created(waiter: JoinHandle<Result<Created, Error>>) -> Created {
    let created = timeout(Duration::from_mins(1), waiter).await;
    created.expect("it was woken").unwrap().unwrap()
}

#[tokio::test]
async fn none_is_created_beyond_the_bound() {
    let (store, clock) = store_with_clock();
    assert!(store.bound_kind("test", Some(2)).await.unwrap());
    create_tasks(&store, 1).await;
    clock.advance(Duration::from_secs(5));
    create_tasks(&store, 1).await;

    let refused = store.create(new_task()).await.unwrap_err();

    let told = "no room for a task of kind \"test\": 2 wait, the first since \
                1970-01-01T00:16:40Z; try again later, or wait for room";
    assert_eq!(refused.to_string(), told);
    let Error::Full {
        kind,
        waiting,
        oldest_since,
        ..
    } = refused
    else {
        panic!("{refused:?}");
    };
    assert_eq!((&*kind, waiting), ("test", 2));
    assert_eq!(oldest_since, Some(Timestamp::from_second(1000).unwrap()));

    let task = acquire(&store).await.unwrap();
    assert_eq!(store.create(new_task()).await.unwrap(), 3);
    is_refused(&store).await;
    // It had left already.
    let _ = end(&store, task).await;
    is_refused(&store).await;
}

#[tokio::test]
async fn a_bound_can_be_changed() {
    let store = full(2).await;
    assert!(!store.bound_kind("test", Some(2)).await.unwrap());
    assert!(store.bound_kind("test", Some(3)).await.unwrap());
    create_tasks(&store, 1).await;
    is_refused(&store).await;
    // Those that are there stay.
    assert!(store.bound_kind("test", Some(0)).await.unwrap());
    is_refused(&store).await;
    assert_eq!(rows(WAITING), "3");
    assert!(store.bound_kind("test", None).await.unwrap());
    assert!(!store.bound_kind("test", None).await.unwrap());
    create_tasks(&store, 3).await;
}

#[tokio::test]
async fn nothing_at_all_may_be_what_may_wait() {
    let store = full(0).await;
    let refused = store.create(new_task()).await.unwrap_err();
    let told = "no room for a task of kind \"test\": 0 wait; try again later, or wait for room";
    assert_eq!(refused.to_string(), told);
}

#[tokio::test]
async fn those_of_one_transaction_are_all_created_or_none() {
    let store = full(2).await;
    bound(&store, 5).await;
    let create = |count| {
        store.transaction(move |tx| {
            tx.create(NewTask::new("other", json!({})))?;
            (0..count).try_for_each(|_| tx.create(new_task()).map(drop))
        })
    };
    let refused = create(4).await.unwrap_err();
    assert!(
        matches!(refused, Error::Full { waiting: 5, .. }),
        "{refused:?}"
    );
    assert_eq!(rows(WAITING), "2");
    create(3).await.unwrap();
    assert_eq!(rows(WAITING), "6");
}

#[test]
fn the_bound_is_exact_whoever_creates() {
    drop(store());
    let path = database();
    let barrier = Barrier::new(4);
    let created = thread::scope(|scope| {
        let creators = [(); 4].map(|()| {
            scope.spawn(|| {
                let store = Store::open(&path).unwrap();
                let create = async {
                    bound(&store, 17).await;
                    barrier.wait();
                    let mut created = 0;
                    for _ in 0..20 {
                        match store.create(new_task()).await {
                            Ok(_) => created += 1,
                            Err(Error::Full { waiting: 17, .. }) => (),
                            Err(error) => panic!("{error:?}"),
                        }
                    }
                    created
                };
                Runtime::new().unwrap().block_on(create)
            })
        });
        creators.map(|creator| creator.join().unwrap())
    });
    assert_eq!(created.iter().sum::<i32>(), 17, "{created:?}");
    assert_eq!(rows(WAITING), "17");
}

/// As many as are put back, however few may wait.
#[tokio::test]
async fn a_task_that_comes_back_is_not_refused() {
    let (store, clock) = store_with_clock();
    for next in [Next::RetryAt(store.now()), Next::PutBack, Next::Failed] {
        bound(&store, 1).await;
        let id = store.create(new_task()).await.unwrap();
        let execution = Execution::of(acquire(&store).await.unwrap());
        bound(&store, 0).await;
        let ended = store.end(&execution, Err("down".into()), next).await;
        assert_eq!(ended.unwrap(), Ending::Ended);
        store.retry_task(id).await.unwrap();
        assert_eq!(rows(WAITING), "1");
        let _ = store.cancel(Which::Task(id)).await.unwrap();
    }

    bound(&store, 3).await;
    silent_engine(&store, 900, 3).await;
    bound(&store, 0).await;
    observe(&store, &clock, || rows(WAITING) == "3").await;
    let refused = store.create(new_task()).await.unwrap_err();
    let full = matches!(refused, Error::Full { waiting: 1, .. });
    assert!(full, "{refused:?}");
}

#[tokio::test]
async fn one_that_exists_is_not_refused() {
    let store = store();
    let keyed = || new_task().unique("a");
    store.create(keyed()).await.unwrap();
    bound(&store, 1).await;
    let existing = store.try_create(keyed()).await.unwrap();
    assert_eq!(existing, Created::Existing(1));
    let changed = store.try_create(keyed().if_exists(IfExists::Move)).await;
    assert_eq!(changed.unwrap(), Created::Changed(1));
    for others_wait in [false, true] {
        if others_wait {
            waiter(&store).await;
        }
        let waited = store.create_when_there_is_room(keyed()).await;
        assert_eq!(waited.unwrap(), Created::Existing(1));
    }
    is_refused(&store).await;
}

#[tokio::test]
async fn those_for_later_and_those_of_a_paused_kind_have_their_places() {
    let store = store();
    bound(&store, 2).await;
    let later = new_task().at(store.now() + Duration::from_hours(1));
    store.create(later.priority(Priority::High)).await.unwrap();
    store.pause_kind("test").await.unwrap();
    create_tasks(&store, 1).await;
    is_refused(&store).await;
    store.create(NewTask::new("TEST", json!({}))).await.unwrap();
}

#[tokio::test]
async fn where_there_is_room_nobody_waits() {
    let store = store();
    for id in 1..=2 {
        let created = store.create_when_there_is_room(new_task()).await.unwrap();
        assert_eq!(created, Created::New(id));
        bound(&store, 2).await;
    }
    assert!(!log().contains("no room"));
}

/// In whatever way there is room again, here or elsewhere.
#[tokio::test]
async fn whoever_makes_room_wakes_the_one_who_waits() {
    const OWN: [&str; 5] = [
        "DELETE FROM tasks WHERE status = 'waiting'",
        "UPDATE tasks SET status = 'stopped' WHERE status = 'waiting'",
        "UPDATE bounded_kinds SET max_waiting = max_waiting + 1",
        // Of these, SQLite tells no row.
        "DELETE FROM bounded_kinds",
        "REPLACE INTO tasks (id, status, task_kind, task_parameters, created_at, updated_at)
         SELECT id, 'stopped', task_kind, task_parameters, created_at, updated_at FROM tasks
         WHERE status = 'waiting'",
    ];
    let store = full(1).await;
    let other = Store::open(database()).unwrap();
    for here in [true, false] {
        let by = if here { &store } else { &other };
        for way in 0..9 {
            let waiter = waiter(&store).await;
            match way {
                0 => drop(acquire(by).await.unwrap()),
                1 => drop(by.cancel(Which::Kind("test".to_owned())).await.unwrap()),
                2 => drop(by.bound_kind("test", Some(9)).await.unwrap()),
                3 => drop(by.bound_kind("test", None).await.unwrap()),
                way => by
                    .transaction(move |tx| Ok(tx.execute_batch(OWN[way - 4])?))
                    .await
                    .unwrap(),
            }
            assert!(matches!(created(waiter).await, Created::New(_)));
            bound(&store, rows(WAITING).parse().unwrap()).await;
        }
    }
}

/// A place that is given up is taken by the one who has waited for the longest time, and not even by
/// one who comes at that moment.
#[tokio::test]
async fn they_have_their_turns_in_their_order() {
    let store = full(1).await;
    let mut waiters = Vec::new();
    for _ in 0..5 {
        waiters.push(waiter(&store).await);
    }
    for (first, id) in waiters.into_iter().zip(2..) {
        // It begins when this thread waits for what it has asked the store for: right after that.
        let latest = {
            let store = store.clone();
            tokio::spawn(async move { store.create_when_there_is_room(new_task()).await })
        };
        assert_eq!(acquire(&store).await.unwrap().id, id - 1);
        assert_eq!(created(first).await, Created::New(id));
        fall_asleep(&store).await;
        assert!(!latest.is_finished());
        latest.abort();
    }
}

#[tokio::test]
async fn one_of_many_looks_and_only_if_something_has_changed() {
    let store = full(1).await;
    let mut waiters = Vec::new();
    for _ in 0..20 {
        waiters.push(waiter(&store).await);
    }
    let looks = |asked: &[String]| {
        let looks = asked
            .iter()
            .filter(|sql| sql.contains("SELECT max_waiting"));
        looks.count()
    };
    let asked = statements(&store, async {
        for _ in 0..10 {
            yield_now().await;
            store.waiting_kinds().await.unwrap();
        }
    })
    .await;
    // The transactions that begin and end the trace make one look, not twenty.
    assert!(looks(&asked) <= 2, "{asked:#?}");

    let asked = statements(&store, async {
        acquire(&store).await.unwrap();
        until(|| waiters[0].is_finished()).await;
        store.waiting_kinds().await.unwrap();
    })
    .await;
    // The one who has room looks, and creates; the next one looks.
    assert!((2..10).contains(&looks(&asked)), "{asked:#?}");
    assert!(waiters[1..].iter().all(|waiter| !waiter.is_finished()));
}

#[tokio::test]
async fn kinds_do_not_wait_for_each_other() {
    let store = full(1).await;
    let waiter = waiter(&store).await;
    store.bound_kind("other", Some(1)).await.unwrap();
    let other = NewTask::new("other", json!({}));
    let here = store.create_when_there_is_room(other).await.unwrap();
    assert_eq!(here, Created::New(2));
    waiter.abort();
}

#[tokio::test]
async fn who_stops_waiting_creates_nothing_and_holds_up_nobody() {
    let store = full(1).await;
    let first = waiter(&store).await;
    let second = waiter(&store).await;
    let third = waiter(&store).await;
    first.abort();
    second.abort();
    yield_now().await;
    acquire(&store).await.unwrap();
    assert_eq!(created(third).await, Created::New(2));
    assert_eq!(left(), "1 | running\n2 | waiting");
    // Nor does it look any more.
    fall_asleep(&store).await;
    let asked = statements(&store, fall_asleep(&store)).await;
    assert!(!asked.iter().any(|sql| sql.contains("data_version")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_between_several_who_wait_here_and_elsewhere() {
    const EACH: usize = 15;
    let store = store();
    bound(&store, 2).await;
    let others = [(); 3].map(|()| Store::open(database()).unwrap());
    let mut waiters = Vec::new();
    for from in others.iter().chain([&store]) {
        for _ in 0..EACH {
            let from = from.clone();
            let create = async move { from.create_when_there_is_room(new_task()).await };
            waiters.push(tokio::spawn(create));
        }
    }
    let seen = "SELECT count(*) > 2 FROM tasks WHERE status = 'waiting'";
    let engine = engine(2, &store, Handler::new(|_| async {}));
    let engine = engine.start().await.unwrap();
    for waiter in waiters {
        assert_eq!(rows(seen), "0");
        assert!(matches!(created(waiter).await, Created::New(_)));
    }
    engine.drain().await.unwrap();
    assert_eq!(
        rows("SELECT status, count(*) FROM tasks GROUP BY 1"),
        format!("stopped | {}", 4 * EACH)
    );
}

#[tokio::test]
async fn a_database_that_can_not_be_read_ends_the_wait() {
    let store = full(1).await;
    let waiter = waiter(&store).await;
    connection()
        .execute_batch("DROP TABLE bounded_kinds")
        .unwrap();
    let ended = timeout(Duration::from_mins(1), waiter).await;
    let error = ended.expect("it ends").unwrap().unwrap_err();
    assert!(matches!(error, Error::Sqlite(_)), "{error}");
}

#[tokio::test]
async fn a_database_that_is_removed_ends_the_wait() {
    let store = full(1).await;
    let waiter = waiter(&store).await;
    fs::remove_file(database()).unwrap();
    let ended = timeout(Duration::from_mins(1), waiter).await;
    let error = ended.expect("it ends").unwrap().unwrap_err();
    assert!(matches!(error, Error::Replaced { .. }), "{error}");
}

#[tokio::test]
async fn counting_reads_no_more_than_may_wait_and_no_history() {
    let store = full(1).await;
    let mut asked = statements(&store, async {
        is_refused(&store).await;
    })
    .await;
    asked.retain(|sql| sql.contains("bounded_kinds") || sql.contains("status = 'waiting'"));
    insta::assert_snapshot!(plans(&asked));
}

#[tokio::test]
async fn the_age_is_that_of_the_one_that_is_due_first() {
    let (store, clock) = store_with_clock();
    let oldest = async || {
        let kinds = store.reader().kinds(&Registry::default()).await.unwrap();
        let kind = kinds.into_iter().find(|kind| kind.kind == "test");
        let since = kind.and_then(|kind| kind.oldest_since);
        since.map(Timestamp::as_second)
    };
    bound(&store, 100).await;
    assert_eq!(oldest().await, None);
    let at = |second| new_task().at(Timestamp::from_second(second).unwrap());
    let create = async |task: NewTask| store.create(task).await.unwrap();
    create(at(5000)).await;
    assert_eq!(oldest().await, Some(5000));
    clock.advance(Duration::from_secs(7));
    create(at(1020).priority(Priority::Low)).await;
    create(at(1030).priority(Priority::High)).await;
    assert_eq!(oldest().await, Some(1020));
    create(new_task().priority(Priority::High)).await;
    assert_eq!(oldest().await, Some(1007));
    // A date of the past: it has not waited since. It doesn't hide the one that has waited.
    for priority in [Priority::High, Priority::Normal] {
        clock.advance(Duration::from_secs(1));
        create(at(10).priority(priority)).await;
        assert_eq!(oldest().await, Some(1007));
    }
    // One that runs doesn't wait, and one that has failed waits for its retry.
    connection()
        .execute("DELETE FROM tasks WHERE id <> 4", [])
        .unwrap();
    let execution = Execution::of(acquire(&store).await.unwrap());
    assert_eq!(oldest().await, None);
    let retry = Next::RetryAt(Timestamp::from_second(2000).unwrap());
    let ended = store.end(&execution, Err("down".into()), retry).await;
    assert_eq!(ended.unwrap(), Ending::Ended);
    assert_eq!(oldest().await, Some(2000));
}

#[test]
fn no_other_number_is_a_bound() {
    drop(store());
    for bound in ["-1", "4294967296", "NULL", "'ten'"] {
        let insert = format!("INSERT INTO bounded_kinds VALUES ('test', {bound})");
        connection().execute_batch(&insert).unwrap_err();
    }
}

#[test]
fn it_is_asked_for_and_told() {
    drop(store());
    let task = ["create", "waiting", r#"{"waiting_time": 0}"#];
    let now = Timestamp::now().as_millisecond() - 150_000;
    let told = [
        program(&["bound", "waiting", "2"]),
        program(&["bound", "waiting", "2"]),
        program(&["bound", "wating", "0"]),
        program(&["unbound", "failing"]),
        program(&[&task[..], &["--in", "1h"]].concat()),
        program(&["kinds"]),
        program(&task),
    ];
    let date = format!("UPDATE tasks SET created_at = {now}, scheduled_at = {now} WHERE id = 2");
    connection().execute_batch(&date).unwrap();
    let kinds = program(&["kinds"]);
    let (kinds, ago) = kinds.split_once("2m ").unwrap();
    let (_, ago) = ago.split_once('s').unwrap();
    let refused = program(&task);
    let since = format!("{:.0}", Timestamp::from_millisecond(now).unwrap());
    let told = [
        &told.concat(),
        &format!("{kinds}2m (some)s{ago}"),
        &refused.replace(&since, "(date)"),
        &program(&["unbound", "waiting"]),
        &program(&[&task[..], &["--wait", "--count", "3"]].concat()),
    ];
    insta::assert_snapshot!(told.map(String::as_str).concat());
    let kinds: Value = serde_json::from_str(&program(&["kinds", "--json"])).unwrap();
    let kinds = kinds.as_array().unwrap().iter();
    let bounds = kinds.map(|kind| (kind["kind"].as_str().unwrap(), &kind["max_waiting"]));
    let bounds: Vec<_> = bounds.filter(|(_, bound)| !bound.is_null()).collect();
    assert_eq!(bounds, [("wating", &json!(0))]);
}
