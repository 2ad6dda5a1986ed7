//! What commits wait for is chosen for each store; what a power cut takes then is seen from outside.

use std::time::Duration;

use jiff::Timestamp;
use step49_durability::{Clock, Handler, Store, StoreOptions, Synchronous};

use crate::common::{create_tasks, database, drain, engine, left, log, rows, store};

fn normal() -> StoreOptions {
    StoreOptions {
        synchronous: Synchronous::Normal,
        ..StoreOptions::default()
    }
}

/// What SQLite answers: 2 is FULL, 1 is NORMAL.
async fn level(store: &Store) -> i64 {
    let level = store
        .transaction(|tx| Ok(tx.pragma_query_value(None, "synchronous", |row| row.get(0))?))
        .await;
    level.unwrap()
}

#[tokio::test]
async fn each_store_waits_for_what_was_chosen_for_it() {
    let full = store();
    let normal = Store::open_with(database(), normal()).unwrap();
    let existing = Store::open_existing(database()).unwrap();
    let clock = Clock::manual(Timestamp::UNIX_EPOCH);
    let with_clock = Store::open_with_clock(database(), clock).unwrap();
    let default = Store::open_with(database(), StoreOptions::default()).unwrap();
    assert_eq!(level(&full).await, 2);
    assert_eq!(level(&normal).await, 1);
    assert_eq!(level(&normal.clone()).await, 1);
    assert_eq!(level(&existing).await, 2);
    assert_eq!(level(&with_clock).await, 2);
    assert_eq!(level(&default).await, 2);

    // What waits for nothing is there all the same, for everybody.
    create_tasks(&normal, 1).await;
    assert_eq!(left(), "1 | waiting");
}

#[tokio::test]
async fn a_database_made_by_a_store_that_waits_for_nothing_is_like_any_other() {
    let normal = Store::open_with(database(), normal()).unwrap();
    let set = normal.transaction(|tx| {
        Ok((
            tx.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0))?,
            tx.pragma_query_value(None, "foreign_keys", |row| row.get::<_, i64>(0))?,
        ))
    });
    assert_eq!(set.await.unwrap(), ("wal".to_owned(), 1));
    drop(normal);
    assert_eq!(level(&store()).await, 2, "it is no setting of the file");
}

#[tokio::test]
async fn a_store_has_all_of_its_options() {
    let now: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
    let clock = Clock::manual(now);
    let options = StoreOptions {
        clock: clock.clone(),
        ..normal()
    };
    let store = Store::open_with(database(), options).unwrap();
    clock.advance(Duration::from_secs(1));
    create_tasks(&store, 1).await;
    let created_at = now.as_millisecond() + 1000;
    assert_eq!(rows("SELECT created_at FROM tasks"), created_at.to_string());
}

#[tokio::test]
async fn an_engine_says_what_a_power_cut_may_take() {
    let handler = || Handler::new(|_| async {});
    let full = store();
    create_tasks(&full, 1).await;
    drain(engine(1, &full, handler())).await.unwrap();
    assert!(log().contains("engine started"));
    assert!(!log().contains("power cut"), "{}", log());

    let normal = Store::open_with(database(), normal()).unwrap();
    create_tasks(&normal, 1).await;
    drain(engine(1, &normal, handler())).await.unwrap();
    let said = "INFO a power cut may take the last commits back synchronous=\"normal\"";
    assert_eq!(log().matches(said).count(), 1, "{}", log());
}
