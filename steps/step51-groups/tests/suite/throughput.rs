//! Transactions that wait together are committed together.

use std::collections::BTreeSet;
use std::env;
use std::future::poll_fn;
use std::pin::Pin;
use std::process::Command;
use std::sync::mpsc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use fastrand::Rng;
use rusqlite::ErrorCode;
use serde_json::json;
use step51_groups::{Config, Engine, Error, Handler, NewTask, Registry, Store, Tx};
use tokio::sync::oneshot;

use crate::common::{
    acquire, connection, create_tasks, database, end, rows, statements, store, until,
};
use crate::recovery::store_with_clock;

pub async fn all<T>(asked: Vec<Asked<T>>) -> Vec<Result<T, Error>> {
    let mut answers = Vec::new();
    for one in asked {
        answers.push(one.await);
    }
    answers
}

pub type Asked<T> = Pin<Box<dyn Future<Output = Result<T, Error>>>>;

/// Asks for it, and doesn't wait: what is asked for afterwards comes after it.
pub async fn ask<T: 'static>(work: impl Future<Output = Result<T, Error>> + 'static) -> Asked<T> {
    let mut work: Asked<T> = Box::pin(work);
    poll_fn(|context| {
        assert!(work.as_mut().poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
    work
}

/// Keeps the thread of the store busy, so that what is asked for meanwhile waits together.
pub struct Busy {
    go_on: mpsc::Sender<()>,
    work: Asked<()>,
}

impl Busy {
    pub async fn keep(store: &Store) -> Self {
        let (go_on, gone_on) = mpsc::channel();
        let (begun, has_begun) = oneshot::channel();
        let store = store.clone();
        let work = async move {
            let wait = move |_: &Tx| {
                let _ = begun.send(());
                gone_on.recv().unwrap();
                Ok(())
            };
            store.transaction(wait).await
        };
        let work = ask(work).await;
        has_begun.await.unwrap();
        Self { go_on, work }
    }

    pub async fn end(self) -> Result<(), Error> {
        self.go_on.send(()).unwrap();
        self.work.await
    }
}

pub fn create(store: &Store, number: i64) -> impl Future<Output = Result<i64, Error>> + use<> {
    let store = store.clone();
    async move { store.create(numbered(number)).await }
}

/// The same, by a function that can be called once.
pub fn create_once(store: &Store, number: i64) -> impl Future<Output = Result<i64, Error>> + use<> {
    let store = store.clone();
    async move {
        store
            .transaction(move |tx| tx.create(numbered(number)))
            .await
    }
}

/// Creates a task, and sends these statements.
pub fn create_and(
    store: &Store,
    number: i64,
    sql: &'static str,
) -> impl Future<Output = Result<i64, Error>> + use<> {
    let store = store.clone();
    async move {
        let both = move |tx: &Tx| {
            let id = tx.create(numbered(number))?;
            tx.execute_batch(sql)?;
            Ok(id)
        };
        store.transaction(both).await
    }
}

pub fn numbered(number: i64) -> NewTask {
    NewTask::new("test", json!({ "number": number }))
}

/// The numbers of the tasks that are there.
pub fn numbers() -> String {
    rows("SELECT task_parameters ->> 'number' FROM tasks ORDER BY 1").replace('\n', " ")
}

pub fn count(statements: &[String], beginning: &str) -> usize {
    let found = statements.iter().filter(|sql| sql.starts_with(beginning));
    found.count()
}

#[tokio::test]
async fn fifty_creations_that_wait_are_committed_once() {
    let store = store();
    let asked = statements(&store, async {
        let busy = Busy::keep(&store).await;
        let mut creations = Vec::new();
        for number in 0..50 {
            creations.push(ask(create(&store, number)).await);
        }
        busy.end().await.unwrap();
        let ids: Vec<_> = all(creations)
            .await
            .into_iter()
            .map(Result::unwrap)
            .collect();
        assert_eq!(ids, (1..=50).collect::<Vec<_>>());
    });
    let asked = asked.await;

    assert_eq!(count(&asked, "INSERT INTO tasks"), 50);
    assert_eq!(count(&asked, "COMMIT"), 2, "{asked:#?}"); // The first begins the trace.
}

#[tokio::test]
async fn those_that_wait_for_another_program_are_committed_once() {
    let store = store();
    let other = connection();
    let asked = statements(&store, async {
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let mut creations = Vec::new();
        for number in 0..50 {
            creations.push(ask(create(&store, number)).await);
        }
        other.execute_batch("COMMIT").unwrap();
        for creation in creations {
            creation.await.unwrap();
        }
    });
    let asked = asked.await;

    assert_eq!(count(&asked, "COMMIT"), 2, "{asked:#?}");
}

#[tokio::test]
async fn nobody_is_waited_for() {
    let store = store();
    let asked = statements(&store, create_tasks(&store, 5)).await;
    assert_eq!(count(&asked, "COMMIT"), 6, "{asked:#?}");
}

#[tokio::test]
async fn a_group_has_a_bound() {
    let store = store();
    for (others, commits) in [(63, 2), (64, 3)] {
        let asked = statements(&store, async {
            let busy = Busy::keep(&store).await;
            let mut creations = Vec::new();
            for number in 0..others {
                creations.push(ask(create(&store, number)).await);
            }
            busy.end().await.unwrap();
            all(creations)
                .await
                .into_iter()
                .for_each(|id| assert!(id.is_ok()));
        });
        assert_eq!(count(&asked.await, "COMMIT"), commits);
    }
}

/// Others can't write meanwhile.
#[tokio::test]
async fn nobody_joins_a_group_that_lasts() {
    let store = store();
    let asked = statements(&store, async {
        let busy = Busy::keep(&store).await;
        let mut long = Vec::new();
        for _ in 0..3 {
            let store = store.clone();
            let work = async move {
                let last = |tx: &Tx| {
                    thread::sleep(Duration::from_millis(100));
                    tx.create(numbered(1))
                };
                store.transaction(last).await
            };
            long.push(ask(work).await);
        }
        busy.end().await.unwrap();
        all(long)
            .await
            .into_iter()
            .for_each(|id| assert!(id.is_ok()));
    });
    assert_eq!(count(&asked.await, "COMMIT"), 3);
}

#[tokio::test]
async fn those_that_have_all_failed_write_nothing() {
    let store = store();
    create_tasks(&store, 1).await;
    let log = database().with_file_name("task_engine.db-wal");
    let size = || log.metadata().unwrap().len();
    let before = size();
    let answer = create_and(&store, 1, "nonsense").await;
    assert!(matches!(answer, Err(Error::Sqlite(_))), "{answer:?}");
    assert_eq!(size(), before);
}

#[tokio::test]
async fn one_that_fails_or_panics_loses_what_it_wrote_and_nothing_else() {
    let store = store();
    let asked = statements(&store, async {
        let busy = Busy::keep(&store).await;
        let first = ask(create_once(&store, 1)).await;
        let failing = ask(create_and(&store, 2, "nonsense")).await;
        let panicking = store.clone();
        let panicking = tokio::spawn(async move {
            let panic = |tx: &Tx| -> Result<(), Error> {
                tx.create(numbered(3))?;
                panic!("in the middle of the work");
            };
            panicking.transaction(panic).await
        });
        tokio::task::yield_now().await;
        let last = ask(create(&store, 4)).await;
        busy.end().await.unwrap();
        assert_eq!(first.await.unwrap(), 1);
        assert!(matches!(failing.await, Err(Error::Sqlite(_))));
        assert!(panicking.await.unwrap_err().is_panic());
        last.await.unwrap();
    });
    let asked = asked.await;

    assert_eq!(numbers(), "1 4");
    assert_eq!(count(&asked, "COMMIT"), 2, "{asked:#?}");
}

/// What was done before it in the transaction is gone: the store does its own work again.
#[tokio::test]
async fn nobody_is_told_that_something_is_kept_that_another_one_has_rolled_back() {
    let store = store();
    connection()
        .execute_batch("CREATE TABLE once (it INTEGER PRIMARY KEY); INSERT INTO once VALUES (1)")
        .unwrap();
    let guilty = [
        ("INSERT OR ROLLBACK INTO once VALUES (1)", false),
        ("ROLLBACK", true),
        ("RELEASE one_of_many", true),
    ];
    for (sql, silent) in guilty {
        let busy = Busy::keep(&store).await;
        let ours = ask(create(&store, 1)).await;
        let theirs = ask(create_once(&store, 2)).await;
        let guilty = ask(create_and(&store, 3, sql)).await;
        let next = ask(create_once(&store, 4)).await;
        assert!(matches!(busy.end().await, Err(Error::RolledBack)));
        ours.await.unwrap();
        assert!(matches!(theirs.await, Err(Error::RolledBack)));
        let guilty = guilty.await.unwrap_err();
        assert_eq!(matches!(guilty, Error::RolledBack), silent, "{guilty:?}");
        next.await.unwrap();

        assert_eq!(numbers(), "1 4");
        connection().execute_batch("DELETE FROM tasks").unwrap();
    }
}

/// Then nobody is harmed: what anybody's statement may trigger is seen beforehand.
#[tokio::test]
async fn a_database_that_may_undo_or_refuse_all_shares_nothing() {
    let store = store();
    let schemas = [
        "CREATE TRIGGER undo BEFORE INSERT ON tasks
         WHEN new.task_parameters ->> 'number' = 2
         BEGIN SELECT raise(ROLLBACK, 'not this one'); END",
        "DROP TRIGGER undo;
         CREATE TABLE unlucky (number INTEGER REFERENCES tasks DEFERRABLE INITIALLY DEFERRED);
         CREATE TRIGGER refuse AFTER INSERT ON tasks
         WHEN new.task_parameters ->> 'number' = 2
         BEGIN INSERT INTO unlucky VALUES (-1); END",
    ];
    for schema in schemas {
        connection().execute_batch(schema).unwrap();
        let busy = Busy::keep(&store).await;
        let mut creations = Vec::new();
        for number in 1..=3 {
            creations.push(ask(create_once(&store, number)).await);
        }
        busy.end().await.unwrap();
        let answers = all(creations).await;
        assert!(answers[0].is_ok() && answers[2].is_ok(), "{answers:?}");
        let Err(Error::Sqlite(error)) = &answers[1] else {
            panic!("{answers:?}");
        };
        assert_eq!(
            error.sqlite_error_code(),
            Some(ErrorCode::ConstraintViolation)
        );

        assert_eq!(numbers(), "1 3");
        connection().execute_batch("DELETE FROM tasks").unwrap();
    }
    connection()
        .execute_batch("DROP TRIGGER refuse; DROP TABLE unlucky")
        .unwrap();
    let asked = statements(&store, async {
        let busy = Busy::keep(&store).await;
        let creation = ask(create(&store, 1)).await;
        busy.end().await.unwrap();
        creation.await.unwrap();
    });
    assert_eq!(count(&asked.await, "COMMIT"), 2);
}

/// The commit can't tell whose fault it is.
#[tokio::test]
async fn a_commit_that_one_of_them_makes_impossible_is_nobody_else_s_refusal() {
    let store = store();
    connection()
        .execute_batch("CREATE TABLE unlucky (number INTEGER REFERENCES tasks)")
        .unwrap();
    let sql = "PRAGMA defer_foreign_keys = ON; INSERT INTO unlucky VALUES (-1)";
    let busy = Busy::keep(&store).await;
    let ours = ask(create(&store, 1)).await;
    let guilty = ask(create_and(&store, 2, sql)).await;
    let theirs = ask(create_once(&store, 3)).await;
    assert!(matches!(busy.end().await, Err(Error::RolledBack)));
    ours.await.unwrap();
    assert!(matches!(guilty.await, Err(Error::RolledBack)));
    assert!(matches!(theirs.await, Err(Error::RolledBack)));
    assert_eq!(numbers(), "1");

    let alone = create_and(&store, 2, sql).await.unwrap_err();
    assert!(matches!(alone, Error::Sqlite(_)), "{alone:?}");
}

const CHILD: &str = "THROUGHPUT_DATABASE";

/// In a process of its own, which can't write large files: it creates ten tasks at a time, until
/// that fails, and says what it was told.
#[tokio::test]
async fn a_commit_that_fails_is_an_error_for_each_of_them_and_leaves_nothing() {
    if let Some(path) = env::var_os(CHILD) {
        return fill(Store::open(path).unwrap()).await;
    }
    drop(store());
    let test = "throughput::a_commit_that_fails_is_an_error_for_each_of_them_and_leaves_nothing";
    // To exceed the limit is an error, as a full disk is, once the signal is ignored.
    let script = r#"ulimit -f 512; trap "" XFSZ; exec "$@""#;
    let child = Command::new("sh")
        .args(["-c", script, "sh"])
        .arg(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, database())
        .output()
        .unwrap();
    let told = String::from_utf8(child.stdout).unwrap();
    assert!(child.status.success(), "{told}");

    let kept: BTreeSet<_> = told
        .lines()
        .filter_map(|line| line.strip_prefix("kept "))
        .collect();
    let refused = told.lines().filter(|line| line.starts_with("refused "));
    // The store tries its own again, one by one: some still have room.
    assert_eq!((kept.len() + refused.count()) % 10, 0, "{told}");
    let there = numbers();
    assert_eq!(there.split(' ').collect::<BTreeSet<_>>(), kept);
}

async fn fill(store: Store) {
    let large = "x".repeat(3000);
    for round in 0.. {
        let busy = Busy::keep(&store).await;
        let mut creations = Vec::new();
        for number in round * 10..(round + 1) * 10 {
            let task = NewTask::new("test", json!({ "number": number, "large": large }));
            let store = store.clone();
            let creation = async move { store.create(task).await.map(|_| number) };
            creations.push((number, ask(creation).await));
        }
        let first = busy.end().await;
        for (number, creation) in creations {
            match creation.await {
                Ok(number) => println!("\nkept {number}"),
                Err(Error::Sqlite(error)) => {
                    let code = error.sqlite_error_code();
                    let full = [ErrorCode::DiskFull, ErrorCode::SystemIoFailure];
                    assert!(full.map(Some).contains(&code), "{error:?}");
                    println!("\nrefused {number}");
                }
                Err(error) => panic!("{error:?}"),
            }
        }
        if first.is_err() {
            assert!(matches!(first, Err(Error::RolledBack)), "{first:?}");
            return;
        }
    }
}

#[tokio::test]
async fn each_has_its_own_time() {
    let (store, clock) = store_with_clock();
    let busy = Busy::keep(&store).await;
    let mut times = Vec::new();
    for _ in 0..2 {
        let (store, clock) = (store.clone(), clock.clone());
        let now = async move {
            let now = move |tx: &Tx| {
                clock.advance(Duration::from_millis(1));
                Ok(tx.now)
            };
            store.transaction(now).await
        };
        times.push(ask(now).await);
    }
    busy.end().await.unwrap();
    let times: Vec<_> = all(times).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(times[1].duration_since(times[0]).as_millis(), 1);
}

/// Each wakes one worker, once it is committed, whether somebody waits for the answer or not.
#[tokio::test]
async fn what_nobody_waits_for_any_more_is_committed_and_wakes_a_worker() {
    let store = store();
    let config = Config {
        instance: "test".to_owned(),
        watch_interval: Duration::from_hours(1),
        ..Config::default()
    };
    let registry = Registry::default().with_handler("test", Handler::new(|_| async {}));
    let running = Engine::new(store.clone(), registry, config)
        .start()
        .await
        .unwrap();
    crate::notifications::fall_asleep(&store).await;
    let busy = Busy::keep(&store).await;
    for number in 1..=3 {
        drop(ask(create(&store, number)).await);
    }
    assert_eq!(rows("SELECT count(*) FROM tasks"), "0");
    busy.end().await.unwrap();
    until(|| rows("SELECT count(*) FROM tasks WHERE status = 'stopped'") == "3").await;
    running.shutdown().await.unwrap();
}

/// A look at the version of the data isn't part of a transaction, which would hide what others do.
#[tokio::test]
async fn what_is_no_transaction_keeps_its_place_between_them() {
    let store = store();
    let config = Config {
        instance: "test".to_owned(),
        watch_interval: Duration::from_millis(1),
        ..Config::default()
    };
    let registry = Registry::default().with_handler("test", Handler::new(|_| async {}));
    let running = Engine::new(store.clone(), registry, config)
        .start()
        .await
        .unwrap();
    let mut cut = false;
    for _ in 0..100 {
        let asked = statements(&store, async {
            let busy = Busy::keep(&store).await;
            // The watcher looks meanwhile, most of the time.
            tokio::time::sleep(Duration::from_millis(20)).await;
            let creation = ask(create(&store, 1)).await;
            busy.end().await.unwrap();
            creation.await.unwrap();
        });
        let asked = asked.await;
        let mut open = true; // The first transaction begins the trace. Readers have their own.
        for sql in &asked {
            open = (open || sql.starts_with("BEGIN IMMEDIATE")) && !sql.starts_with("COMMIT");
            assert!(!open || !sql.contains("data_version"), "{asked:#?}");
        }
        let created = asked
            .iter()
            .position(|sql| sql.starts_with("INSERT INTO tasks"));
        let before = &asked[..created.unwrap()];
        cut = count(before, "PRAGMA data_version") > 0 && count(before, "COMMIT") > 1;
        if cut {
            break;
        }
    }
    running.shutdown().await.unwrap();
    assert!(cut, "it never looks");
}

/// What each caller was told is compared with what there is.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_acknowledged_is_there_and_nothing_else() {
    let store = store();
    connection()
        .execute_batch("CREATE TABLE once (it INTEGER PRIMARY KEY); INSERT INTO once VALUES (1)")
        .unwrap();
    let seed = fastrand::u64(..);
    let callers: Vec<_> = (0..16)
        .map(|caller| tokio::spawn(call(store.clone(), caller, seed)))
        .collect();
    let mut kept = BTreeSet::new();
    for caller in callers {
        kept.extend(caller.await.unwrap());
    }
    let there = numbers();
    let there: BTreeSet<i64> = there
        .split(' ')
        .map(|number| number.parse().unwrap())
        .collect();
    assert_eq!(there, kept, "seed {seed}");
}

async fn call(store: Store, caller: i64, seed: u64) -> Vec<i64> {
    let mut random = Rng::with_seed(seed.wrapping_add(caller.unsigned_abs()));
    let mut kept = Vec::new();
    for number in caller * 100..caller * 100 + 40 {
        let answer = match random.u8(..12) {
            0..4 => {
                let created = create(&store, number).await;
                assert!(created.is_ok(), "{created:?}");
                Ok(created)
            }
            4..8 => Ok(create_once(&store, number).await),
            8 => Ok(create_and(&store, number, "nonsense").await),
            9 => Ok(create_and(&store, number, "ROLLBACK").await),
            10 => {
                let once = "INSERT OR ROLLBACK INTO once VALUES (1)";
                Ok(create_and(&store, number, once).await)
            }
            _ => {
                let store = store.clone();
                let panic = move |tx: &Tx| -> Result<i64, Error> {
                    tx.create(numbered(number))?;
                    panic!("in the middle of the work");
                };
                tokio::spawn(async move { store.transaction(panic).await }).await
            }
        };
        if matches!(answer, Ok(Ok(_))) {
            kept.push(number);
        }
    }
    kept
}

#[tokio::test]
async fn no_statement_fills_a_table_to_compare_a_few_words() {
    let store = store();
    let asked = statements(&store, async {
        create_tasks(&store, 1).await;
        let task = acquire(&store).await.unwrap();
        let _ = end(&store, task).await;
    });
    let (asked, connection) = (asked.await, connection());
    assert!(asked.iter().any(|sql| sql.starts_with("INSERT")));
    for sql in asked {
        let mut explain = connection.prepare(&format!("EXPLAIN {sql}")).unwrap();
        // Others are for the rows that an UPDATE finds, since there are triggers.
        let mut words = explain.raw_query().mapped(|row| {
            let keys: Option<String> = row.get("p4")?;
            let opcode: String = row.get("opcode")?;
            Ok(opcode == "OpenEphemeral" && keys.as_deref() == Some("k(1,B)"))
        });
        assert!(!words.any(Result::unwrap), "{sql}");
    }
}
