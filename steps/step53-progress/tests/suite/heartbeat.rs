//! An engine that says that it is alive.

use std::future::pending;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use step53_progress::{Clock, Config, Engine, Handler, Registry, Store};
use tokio::runtime::Builder;

use crate::common::{connection, create_tasks, database, engine, left, log, rows, store, until};

const BEAT: &str = "SELECT heartbeat_at FROM engines";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// A store whose clock is at 1000 seconds, and moves when it is told to.
fn store_with_clock() -> (Store, Clock) {
    store();
    let clock = Clock::manual(at(1000));
    let store = Store::open_with_clock(database(), clock.clone()).unwrap();
    (store, clock)
}

#[tokio::test]
async fn it_says_so_three_times_a_lease() {
    let (store, clock) = store_with_clock();
    let engine = engine(1, &store, Handler::new(|_| async {}));
    let engine = engine.start().await.unwrap();
    until(|| log().contains("engine started")).await;
    assert_eq!(rows(BEAT), "1000000");

    for second in [1010, 1020, 1030] {
        clock.advance(Duration::from_secs(10));
        until(|| rows(BEAT) == format!("{second}000")).await;
    }
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn it_says_so_until_the_last_task_has_ended() {
    let (store, clock) = store_with_clock();
    create_tasks(&store, 1).await;
    let engine = engine(1, &store, Handler::new(|_| pending::<()>()));
    let engine = engine.start().await.unwrap();
    until(|| left() == "1 | running").await;

    engine.handle().stop();
    clock.advance(Duration::from_secs(10));

    until(|| rows(BEAT) == "1010000").await;
}

#[test]
fn tasks_that_block_all_threads_do_not_silence_it() {
    let (store, clock) = store_with_clock();
    let mut runtime = Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
    // Dropped before the runtime, which waits for its threads, if this test fails.
    let (release, blocked) = mpsc::channel::<()>();
    let blocked = std::sync::Mutex::new(blocked);
    let handler = Handler::new(move |_| {
        // Not asynchronous: it holds the thread.
        let _ = blocked.lock().unwrap().recv();
        async {}
    });
    runtime.block_on(create_tasks(&store, 1));
    let engine = runtime
        .block_on(engine(1, &store, handler).start())
        .unwrap();
    await_here(|| left() == "1 | running");

    for second in [1010, 1020, 1030] {
        clock.advance(Duration::from_secs(10));
        await_here(|| rows(BEAT) == format!("{second}000"));
    }
    assert_eq!(left(), "1 | running");
    drop(release);
    runtime.block_on(engine.shutdown()).unwrap();
}

/// As `until`, without a runtime.
fn await_here(mut condition: impl FnMut() -> bool) {
    let started_at = Instant::now();
    while !condition() {
        assert!(started_at.elapsed().as_secs() < 60, "it doesn't come");
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn one_that_is_silent_for_longer_than_its_lease_is_dead() {
    let store = store();
    let insert = "INSERT INTO engines
                  (name, host, pid, version, status, started_at, heartbeat_at, lease)
                  VALUES ('late', '', 1, '', 'alive', 0, 970000, 30000),
                         ('later', '', 1, '', 'alive', 0, 969999, 30000),
                         ('patient', '', 1, '', 'alive', 0, 0, 1000000),
                         ('future', '', 1, '', 'alive', 0, 1030000, 30000),
                         ('stranger', '', 1, '', 'alive', 0, 1030001, 30000),
                         ('odd', '', 1, '', 'alive', 0, 9223372036854775807, 30000),
                         ('stopped', '', 1, '', 'stopped', 0, 0, 30000)";
    connection().execute_batch(insert).unwrap();

    let engines = store.reader().list_engines(at(1000), 10).await.unwrap();

    let seen = engines
        .iter()
        .map(|engine| format!("{} {}", engine.name, engine.status));
    assert_eq!(
        seen.collect::<Vec<_>>(),
        [
            "future alive",
            "patient alive",
            "late alive",
            "stopped stopped",
            "odd dead",
            "stranger dead",
            "later dead",
        ]
    );
}

#[tokio::test]
async fn one_of_the_same_name_is_told() {
    let store = store();
    let first = engine(1, &store, Handler::new(|_| async {}));
    let first = first.start().await.unwrap();
    until(|| log().contains("engine=1")).await;
    let second = engine(1, &store, Handler::new(|_| async {}));
    let second = second.start().await.unwrap();
    until(|| log().contains("engine=2")).await;

    let warned = r#"this name is that of an engine that is, or was, alive instance="test" other=1"#;
    assert!(log().contains(warned), "{}", log());
    first.shutdown().await.unwrap();
    second.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_lease_can_be_kept_and_ends() {
    let store = store();
    for lease in [Duration::ZERO, Duration::MAX] {
        let config = Config {
            instance: "test".to_owned(),
            lease,
            ..Config::default()
        };
        let engine = Engine::new(store.clone(), Registry::default(), config);
        engine.start().await.unwrap().shutdown().await.unwrap();
    }

    assert_eq!(rows("SELECT lease FROM engines"), "100\n31536000000");
}
