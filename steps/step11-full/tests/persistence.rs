//! Tasks live in a database.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use common::{
    acquire, at, create_tasks, database, drain, end, engine, insert_task, other_engine, rows, store,
};
use rusqlite::Connection;
use task_engine::{Clock, Error, Handler, Store, TaskStatus};
use tempfile::TempDir;

#[tokio::test]
async fn the_schema_is_an_interface() {
    let _store = store();
    let connection = Connection::open(database()).unwrap();
    let sql: String = connection
        .query_one(
            "SELECT group_concat(sql, char(10)) FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    insta::assert_snapshot!(sql);
}

#[tokio::test]
async fn a_row_tells_the_status_of_its_task_and_since_when() {
    let clock = Clock::manual(at(1_600_000_000_000));
    let store = Store::open_with_clock(database(), clock.clone()).unwrap();
    create_tasks(&store, 2).await;
    clock.advance(Duration::from_secs(1));
    acquire(&store).await.unwrap();

    insta::assert_snapshot!(rows("tasks"), @"
    id | status | created_at | updated_at | instance | task_kind | task_parameters | scheduled_at | context
    1 | running | 1600000000000 | 1600000001000 | test | test | {} | 1600000000000 | {}
    2 | waiting | 1600000000000 | 1600000000000 | NULL | test | {} | 1600000000000 | {}
    ");
}

#[tokio::test]
async fn the_schema_refuses_a_status_that_it_does_not_know() {
    let store = store();
    create_tasks(&store, 1).await;
    let connection = Connection::open(database()).unwrap();

    let error = connection
        .execute("UPDATE tasks SET status = 'sleeping'", [])
        .unwrap_err();

    insta::assert_snapshot!(error, @"CHECK constraint failed: status IN ('waiting', 'running', 'stopped', 'failed')");
}

#[tokio::test]
async fn tasks_outlive_the_store_that_created_them() {
    create_tasks(&store(), 1).await;

    let task = acquire(&store()).await;

    assert_eq!(task.map(|task| task.id), Some(1));
}

#[tokio::test]
async fn a_number_is_never_given_twice() {
    let store = store();
    for expected in 1..=3 {
        assert_eq!(create_tasks(&store, 1).await, [expected]);
        let task = acquire(&store).await.unwrap();
        end(&store, task.id).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_engines_on_one_database_execute_each_task_once() {
    let (one, other) = (store(), store());
    let created = create_tasks(&one, 100).await;
    let executions = Arc::new(Mutex::new(BTreeMap::new()));
    let trace = executions.clone();
    let handler = Handler::new(move |task| {
        *trace.lock().unwrap().entry(task.id).or_insert(0) += 1;
        async {}
    });

    let (first, second) = tokio::join!(
        drain(engine(5, &one, handler.clone()), &one),
        drain(other_engine(5, &other, handler), &other),
    );
    first.and(second).unwrap();

    let once_each: BTreeMap<i64, i32> = created.into_iter().map(|id| (id, 1)).collect();
    assert_eq!(*executions.lock().unwrap(), once_each);
    assert_eq!(one.count_tasks(TaskStatus::Waiting).await.unwrap(), 0);
    assert_eq!(one.count_tasks(TaskStatus::Running).await.unwrap(), 0);
}

#[tokio::test]
async fn a_transaction_that_fails_leaves_nothing() {
    let store = store();
    let refused: Result<(), Error> = store
        .transaction(|tx, now| {
            insert_task(tx, now);
            Err(Error::NotRunning { id: 42 })
        })
        .await;

    assert!(matches!(refused, Err(Error::NotRunning { id: 42 })));
    assert_eq!(store.count_tasks(TaskStatus::Waiting).await.unwrap(), 0);
}

#[tokio::test]
async fn the_work_of_a_transaction_has_errors_of_its_own() {
    let refused: Result<(), Box<dyn std::error::Error + Send + Sync>> = store()
        .transaction(|_tx, _now| Err("no room for this order".into()))
        .await;

    assert_eq!(refused.unwrap_err().to_string(), "no room for this order");
}

#[tokio::test]
async fn a_transaction_that_panics_leaves_nothing_and_the_store_unharmed() {
    let store = store();
    let panicking = store.clone();
    let outcome = tokio::spawn(async move {
        panicking
            .transaction(|tx, now| -> Result<(), Error> {
                insert_task(tx, now);
                panic!("in the middle of the work");
            })
            .await
    })
    .await;

    assert!(outcome.unwrap_err().is_panic());
    assert_eq!(store.count_tasks(TaskStatus::Waiting).await.unwrap(), 0);
    create_tasks(&store, 1).await;
}

#[tokio::test]
async fn opening_gets_what_it_asks_for() {
    let store = store();
    let read: Result<(String, i64, i64), Error> = store
        .transaction(|tx, _now| {
            Ok((
                tx.pragma_query_value(None, "journal_mode", |row| row.get(0))?,
                tx.pragma_query_value(None, "synchronous", |row| row.get(0))?,
                tx.pragma_query_value(None, "foreign_keys", |row| row.get(0))?,
            ))
        })
        .await;
    let (journal_mode, synchronous, foreign_keys) = read.unwrap();

    let full = 2;
    assert_eq!(
        (journal_mode.as_str(), synchronous, foreign_keys),
        ("wal", full, 1)
    );
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

/// Opens what must not open, and gives the message without the path of the temporary folder.
fn refusal(path: &str, prepare: impl FnOnce(&std::path::Path)) -> String {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(path);
    prepare(&path);
    let error = Store::open(&path).err().expect("the opening is refused");
    error
        .to_string()
        .replace(folder.path().to_str().unwrap(), "[folder]")
}

#[test]
fn opening_says_what_is_wrong() {
    let missing_folder = refusal("missing/task_engine.db", |_| ());
    insta::assert_snapshot!(missing_folder, @r#"can't open the folder "[folder]/missing" for the database: No such file or directory (os error 2)"#);

    let not_a_database = refusal("notes.txt", |path| {
        fs::write(
            path,
            "These are notes, at least a hundred characters of them. ".repeat(20),
        )
        .unwrap();
    });
    insta::assert_snapshot!(not_a_database, @r#"can't open the database "[folder]/notes.txt": file is not a database"#);

    let a_folder = refusal("folder", |path| fs::create_dir(path).unwrap());
    insta::assert_snapshot!(a_folder, @r#"can't open the database "[folder]/folder": unable to open database file: [folder]/folder"#);

    let newer_schema = refusal("newer.db", |path| {
        let connection = Connection::open(path).unwrap();
        connection
            .pragma_update(None, "user_version", 1000)
            .unwrap();
    });
    insta::assert_snapshot!(newer_schema, @r#"the database "[folder]/newer.db" was made by a newer version of this program: use that version"#);

    let version_of_another_program = refusal("other.db", |path| {
        let connection = Connection::open(path).unwrap();
        connection.pragma_update(None, "user_version", -1).unwrap();
    });
    insta::assert_snapshot!(version_of_another_program, @r#"can't update the schema of the database "[folder]/other.db": rusqlite_migration error: invalid user version received"#);

    let tables_of_another_program = refusal("other.db", |path| {
        let connection = Connection::open(path).unwrap();
        connection
            .execute("CREATE TABLE tasks (title TEXT)", [])
            .unwrap();
    });
    insta::assert_snapshot!(tables_of_another_program, @r#"can't update the schema of the database "[folder]/other.db": table tasks already exists"#);
}

#[test]
fn a_database_in_memory_is_refused_since_nothing_would_be_kept() {
    let error = Store::open(":memory:").err().unwrap();
    insta::assert_snapshot!(error, @r#"the database ":memory:" can't be put in WAL mode, it stays in mode "memory": it must be a file on a local disk"#);
}
