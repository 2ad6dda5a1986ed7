//! Several connections, here or in other processes, share a database.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Barrier, Mutex};
use std::task::Poll;

use rusqlite::{Row, TransactionBehavior};
use step46_chaining::{Handler, Store};
use tempfile::TempDir;

use crate::common::{connection, create_tasks, drain, engine, engine_named, left, new_task, store};

fn count(row: &Row) -> rusqlite::Result<i64> {
    row.get(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_engines_on_one_database_execute_each_task_once() {
    let (one, other) = (store(), store());
    let created = create_tasks(&one, 100).await;
    let executions = Arc::new(Mutex::new(BTreeMap::new()));
    let trace = executions.clone();
    let handler = Handler::new(move |context| {
        *trace.lock().unwrap().entry(context.task.id).or_insert(0) += 1;
        async {}
    });

    let (first, second) = tokio::join!(
        drain(engine(5, &one, handler.clone())),
        drain(engine_named("other", 5, &other, handler)),
    );
    first.and(second).unwrap();

    let once_each: BTreeMap<i64, i32> = created.into_iter().map(|id| (id, 1)).collect();
    assert_eq!(*executions.lock().unwrap(), once_each);
    assert_eq!(left(), "");
}

#[test]
fn eight_openings_at_once_create_the_tables_once() {
    const OPENINGS: usize = 8;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("new.db");
    let barrier = Barrier::new(OPENINGS);

    std::thread::scope(|scope| {
        for _ in 0..OPENINGS {
            scope.spawn(|| {
                barrier.wait();
                Store::open(&path).map(drop).unwrap();
            });
        }
    });
}

#[tokio::test]
async fn a_transaction_goes_on_if_nobody_waits_for_it() {
    let store = store();
    let mut other = connection();
    let turn = other
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .unwrap();
    {
        let mut create = pin!(store.create(new_task()));
        // It is another program's turn.
        let first = poll_fn(|context| Poll::Ready(create.as_mut().poll(context))).await;
        assert!(first.is_pending());
    }
    turn.commit().unwrap();

    // What the store is asked for is done in its order: this comes after.
    let created =
        store.transaction(|tx| Ok(tx.query_one("SELECT count(*) FROM tasks", [], count)?));
    assert_eq!(created.await.unwrap(), 1);
}

#[tokio::test]
async fn a_store_is_set_for_several_processes_and_for_power_cuts() {
    let store = store();
    let read = store.transaction(|tx| {
        Ok((
            tx.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0))?,
            tx.pragma_query_value(None, "synchronous", count)?,
            tx.pragma_query_value(None, "foreign_keys", count)?,
        ))
    });

    let full = 2;
    assert_eq!(read.await.unwrap(), ("wal".to_owned(), full, 1));
}
