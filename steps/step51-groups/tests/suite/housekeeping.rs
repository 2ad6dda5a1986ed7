//! What grows besides the tasks.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;
use step51_groups::{Error, Handler, Store, TaskStatus};
use tokio::time::timeout;

use crate::common::{connection, create_tasks, database, drain, engine, log, rows, store, until};
use crate::recovery::store_with_clock;
use crate::retention::{self, DAY, ended, limits, look_after};

const GROWS: &str = "the write-ahead log grows as long as somebody reads";

/// So many starts that have ended.
fn starts(count: u32) {
    let insert = format!(
        "INSERT INTO engines (name, host, pid, version, status, started_at, heartbeat_at, lease)
         WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {count})
         SELECT 'old', 'nas', 1, '1.0', iif(n % 2, 'stopped', 'dead'), 0, 0, 1 FROM n"
    );
    connection().execute_batch(&insert).unwrap();
}

async fn start_and_stop(store: &Store) {
    let engine = engine(0, store, Handler::new(|_| async {}));
    engine.start().await.unwrap().shutdown().await.unwrap();
}

fn write(megabytes: u32) {
    let write = format!(
        "CREATE TABLE IF NOT EXISTS big (value);
         INSERT INTO big VALUES (zeroblob({megabytes}000000))"
    );
    connection().execute_batch(&write).unwrap();
}

/// Somebody who reads what was there, until the connection is dropped.
fn long_reader() -> Connection {
    let reader = connection();
    let read = "BEGIN; SELECT count(*) FROM tasks";
    reader.execute_batch(read).unwrap();
    reader
}

fn log_size() -> u64 {
    let log = database().with_file_name("task_engine.db-wal");
    log.metadata().unwrap().len()
}

async fn prune(store: &Store) -> Result<usize, Error> {
    let all = Timestamp::MIN..Timestamp::MAX;
    store.prune(TaskStatus::Stopped, all).await
}

#[tokio::test]
async fn a_thousand_starts_are_remembered() {
    let store = store();
    starts(1500);
    let starts = "SELECT count(*), min(id), max(id) FROM engines WHERE id NOT IN (3, 4)";
    let kept = "UPDATE engines SET status = 'alive' WHERE id = 3;
                INSERT INTO tasks (task_kind, task_parameters, status, engine_id, created_at, updated_at)
                VALUES ('test', '{}', 'running', 4, 0, 0), ('test', '{}', 'stopped', 5, 0, 0);";
    connection().execute_batch(kept).unwrap();

    start_and_stop(&store).await;
    assert_eq!(rows(starts), "1000 | 502 | 1501");
    start_and_stop(&store).await;
    assert_eq!(rows(starts), "1000 | 503 | 1502");

    // One may live, the other has left a task.
    let old = "SELECT id, status FROM engines WHERE id < 500";
    assert_eq!(rows(old), "3 | alive\n4 | dead");
    assert_eq!(rows("SELECT count(*) FROM tasks"), "2");
}

#[tokio::test]
async fn many_are_forgotten_a_few_at_a_time() {
    let store = store();
    starts(5000);
    for left in [4001, 3002, 2003, 1004, 1000] {
        start_and_stop(&store).await;
        assert_eq!(rows("SELECT count(*) FROM engines"), left.to_string());
    }
}

#[tokio::test]
async fn one_that_the_application_needs_holds_up_no_engine() {
    let store = store();
    starts(1100);
    let invoices = "CREATE TABLE invoices (engine INTEGER REFERENCES engines);
                    INSERT INTO invoices VALUES (7)";
    connection().execute_batch(invoices).unwrap();
    create_tasks(&store, 1).await;

    drain(engine(1, &store, Handler::new(|_| async {})))
        .await
        .unwrap();

    let told = "old starts can't be forgotten error=\"the database failed: FOREIGN KEY";
    assert!(log().contains(told), "{}", log());
    assert_eq!(rows("SELECT status FROM tasks"), "stopped");
    assert_eq!(rows("SELECT count(*) FROM engines"), "1101");
}

#[tokio::test]
async fn a_log_that_gets_long_is_told() {
    let (store, clock) = store_with_clock();
    let engine = engine(0, &store, Handler::new(|_| async {}));
    let engine = engine.start().await.unwrap();
    let told = async |message, times| {
        until(|| {
            clock.advance(Duration::from_secs(10));
            log().matches(message).count() == times
        })
        .await;
    };
    let (reader, again) = (long_reader(), "the write-ahead log can be used again");

    write(70);
    told(GROWS, 1).await;
    write(80);
    told(GROWS, 2).await;
    drop(reader);
    told(again, 1).await;

    // Not while somebody reads, and not by who has no limit for it.
    let used_again = async {
        while log_size() > 16 << 20 {
            create_tasks(&store, 1).await;
        }
    };
    timeout(Duration::from_mins(1), used_again).await.unwrap();
    let reader = long_reader();
    write(70);
    told(GROWS, 3).await;
    drop(reader);
    told(again, 2).await;
    engine.shutdown().await.unwrap();
    assert_eq!(log().matches(GROWS).count(), 3, "{}", log());
    assert_eq!(log().matches(again).count(), 2, "{}", log());
}

#[tokio::test]
async fn nothing_is_deleted_meanwhile() {
    let store = store();
    ended("stopped", 5, 0);
    let reader = long_reader();
    write(70);

    let refused = prune(&store).await;

    assert!(matches!(refused, Err(Error::LongLog(_))), "{refused:?}");
    assert_eq!(rows("SELECT count(*) FROM tasks"), "5");
    drop(reader);
    assert!(log_size() > 70_000_000, "it is still as long");
    assert_eq!(prune(&store).await.unwrap(), 5);
}

/// Those that read now and then don't keep much.
#[tokio::test]
async fn whoever_has_just_begun_to_read_is_in_nobody_s_way() {
    let store = store();
    ended("stopped", 5, 0);
    let reader = long_reader();
    write(70);
    let _late = long_reader();
    drop(reader);
    create_tasks(&store, 1).await;
    assert_eq!(prune(&store).await.unwrap(), 5);
    assert!(log_size() > 70_000_000, "it is still as long");
}

#[tokio::test]
async fn an_engine_deletes_once_it_can() {
    let (store, clock) = store_with_clock();
    ended("stopped", 5, 1000);
    let engine = retention::start(0, &store, limits(DAY)).await;
    let reader = long_reader();
    write(70);

    look_after(&clock, DAY).await;
    look_after(&clock, DAY).await;
    assert_eq!(rows("SELECT count(*) FROM tasks"), "5");
    drop(reader);
    look_after(&clock, Duration::from_mins(1)).await;
    until(|| rows("SELECT count(*) FROM tasks") == "0").await;

    engine.shutdown().await.unwrap();
    assert!(!log().contains("can't be deleted"), "{}", log());
}
