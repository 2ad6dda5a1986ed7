//! While a task waits or runs, no other of its kind has its unique key.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rusqlite::Error as SqliteError;
use serde_json::{Value, json};
use step53_progress::{
    Clock, Config, Context, Created, Ending, Engine, Error, Execution, Handler, IfExists, NewTask,
    Next, Registry, RetryPolicy, Store,
};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::yield_now;

use crate::common::{
    acquire, connection, create_tasks, database, end, log, new_task, rows, statements, store, until,
};
use crate::inspection::program;
use crate::monitoring::plans;
use crate::recovery::{observe, silent_engine, store_with_clock};

const TASKS: &str = "SELECT id, status, unique_key FROM tasks";

fn keyed(key: &str) -> NewTask {
    new_task().unique(key)
}

async fn try_create(store: &Store, task: NewTask) -> Created {
    store.try_create(task).await.unwrap()
}

/// Ends the task that runs, as a worker does.
async fn end_as(store: &Store, next: Next) {
    let execution = Execution::of(acquire(store).await.unwrap());
    let ended = store.end(&execution, Err("down".into()), next).await;
    assert_eq!(ended.unwrap(), Ending::Ended);
}

#[tokio::test]
async fn none_is_created_while_one_waits_or_runs() {
    let store = store();
    assert_eq!(try_create(&store, keyed("a")).await, Created::New(1));
    assert_eq!(try_create(&store, keyed("a")).await, Created::Existing(1));
    assert_eq!(store.create(keyed("a")).await.unwrap(), 1);

    let task = acquire(&store).await.unwrap();
    assert_eq!(try_create(&store, keyed("a")).await, Created::Existing(1));

    assert_eq!(end(&store, task).await, Ending::Ended);
    assert_eq!(try_create(&store, keyed("a")).await, Created::New(2));
    assert_eq!(rows(TASKS), "1 | stopped | a\n2 | waiting | a");
}

#[tokio::test]
async fn another_kind_another_key_or_none_is_nobody_s_twin() {
    let store = store();
    let other = NewTask::new("other", json!({})).unique("a");
    let tasks = [keyed("a"), other, keyed("b"), new_task(), new_task()];
    for (id, task) in (1..).zip(tasks) {
        assert_eq!(try_create(&store, task).await, Created::New(id));
    }
}

#[tokio::test]
async fn a_task_that_waits_for_a_retry_has_its_key_and_one_that_has_failed_has_not() {
    let store = store();
    store.create(keyed("a")).await.unwrap();
    end_as(&store, Next::RetryAt(store.now())).await;
    assert_eq!(try_create(&store, keyed("a")).await, Created::Existing(1));
    end_as(&store, Next::Failed).await;
    assert_eq!(try_create(&store, keyed("a")).await, Created::New(2));
}

#[tokio::test]
async fn keys_are_compared_byte_for_byte() {
    let store = store();
    let long = "k".repeat(1 << 20);
    let longer = format!("{long}+");
    let keys = [
        "",
        " ",
        "\0",
        "a",
        "A",
        "a ",
        "a\0",
        "a\0b",
        "\u{e9}",
        "e\u{301}",
        "\u{feff}",
        "\u{202e}",
        "\u{1f980}",
        "\u{10ffff}",
        "1",
        "01",
        "1.0",
        "NULL",
        "%",
        "' OR 1 --",
        &long,
        &longer,
    ];
    for (id, key) in (1..).zip(keys) {
        assert_eq!(try_create(&store, keyed(key)).await, Created::New(id));
    }
    for (id, key) in (1..).zip(keys) {
        let shown = &key[..key.len().min(20)];
        let created = try_create(&store, keyed(key)).await;
        assert_eq!(created, Created::Existing(id), "{shown:?}");
        let (task, _) = store.reader().find_task(id).await.unwrap();
        assert!(task.unique_key.as_deref() == Some(key), "{shown:?}");
    }
    create_tasks(&store, 1).await;
    let (task, _) = store.reader().find_task(23).await.unwrap();
    assert_eq!(task.unique_key, None);
}

#[tokio::test]
async fn the_one_that_exists_is_changed_if_asked() {
    const CHANGES: &str = "SELECT task_parameters, scheduled_at, created_at, updated_at, priority,
                           context FROM tasks";
    let clock = Clock::manual("2030-01-01T00:00:00Z".parse().unwrap());
    let store = Store::open_with_clock(database(), clock.clone()).unwrap();
    let second = Duration::from_secs(1);
    let start = store.now();
    let order = |value: i64| NewTask::new("test", json!({ "v": value })).unique("a");
    store.create(order(1).correlation("o")).await.unwrap();
    let mut seen = vec![rows(CHANGES)];

    clock.advance(second);
    let kept = order(2).at(start + 60 * second);
    assert_eq!(try_create(&store, kept).await, Created::Existing(1));
    seen.push(rows(CHANGES));
    let replaced = order(3).at(start + 60 * second);
    let replaced = replaced.correlation("p").if_exists(IfExists::Replace);
    assert_eq!(try_create(&store, replaced).await, Created::Changed(1));
    seen.push(rows(CHANGES));

    clock.advance(second);
    let moved = order(4).at(start + 60 * second).if_exists(IfExists::Move);
    assert_eq!(try_create(&store, moved).await, Created::Changed(1));
    seen.push(rows(CHANGES));
    let due = order(5).if_exists(IfExists::Move);
    assert_eq!(try_create(&store, due.clone()).await, Created::Changed(1));
    seen.push(rows(CHANGES));

    acquire(&store).await.unwrap();
    clock.advance(second);
    let late = due.at(start + 60 * second);
    for what in [IfExists::Keep, IfExists::Replace, IfExists::Move] {
        let created = try_create(&store, late.clone().if_exists(what)).await;
        assert_eq!(created, Created::Existing(1), "{what:?}");
    }
    seen.push(rows(CHANGES));
    insta::assert_snapshot!(seen.join("\n"), @r#"
    {"v":1} | 1893456000000 | 1893456000000 | 1893456000000 | normal | {"correlation":"o"}
    {"v":1} | 1893456000000 | 1893456000000 | 1893456000000 | normal | {"correlation":"o"}
    {"v":3} | 1893456000000 | 1893456000000 | 1893456001000 | normal | {"correlation":"o"}
    {"v":3} | 1893456060000 | 1893456000000 | 1893456002000 | normal | {"correlation":"o"}
    {"v":3} | 1893456002000 | 1893456000000 | 1893456002000 | normal | {"correlation":"o"}
    {"v":3} | 1893456002000 | 1893456000000 | 1893456002000 | normal | {"correlation":"o"}
    "#);
}

/// Nobody else would: what its own connection changes, an engine doesn't see.
#[tokio::test]
async fn a_task_moved_to_an_earlier_time_wakes_a_worker() {
    let store = store();
    let hour = Duration::from_hours(1);
    store
        .create(keyed("a").at(store.now() + hour))
        .await
        .unwrap();
    let config = Config {
        instance: "test".to_owned(),
        watch_interval: hour,
        wake_up_interval: hour,
        ..Config::default()
    };
    let registry = Registry::default().with_handler("test", Handler::new(|_| async {}));
    let running = Engine::new(store.clone(), registry, config).start().await;
    for _ in 0..10 {
        yield_now().await;
        store.waiting_kinds().await.unwrap();
        store.transaction(|_| Ok(())).await.unwrap();
    }
    assert_eq!(rows("SELECT status FROM tasks"), "waiting");

    let moved = keyed("a").if_exists(IfExists::Move);
    assert_eq!(try_create(&store, moved).await, Created::Changed(1));

    until(|| rows("SELECT status FROM tasks") == "stopped").await;
    running.unwrap().shutdown().await.unwrap();
}

#[tokio::test]
async fn many_are_created_in_one_transaction_or_none() {
    use Created::{Existing, New};

    let store = store();
    let create = |tx: &step53_progress::Tx| {
        let keys = ["a", "b", "a", "c", "b"];
        let created = keys.iter().map(|key| tx.try_create(keyed(key)));
        created.collect::<Result<Vec<_>, _>>()
    };
    let failed = store.transaction(move |tx| {
        create(tx)?;
        assert_eq!(tx.create(keyed("a"))?, 1);
        Err::<(), _>(Error::NoTask(17))
    });
    assert!(matches!(failed.await, Err(Error::NoTask(17))));
    assert_eq!(rows(TASKS), "");

    let created = store.transaction(move |tx| create(tx)).await.unwrap();
    assert_eq!(created, [New(1), New(2), Existing(1), New(3), Existing(2)]);
}

/// A task that has ended, another one, and a twin that waits.
async fn twins(next: Next) -> Store {
    let store = store();
    store.create(keyed("a")).await.unwrap();
    end_as(&store, next).await;
    store.create(keyed("b")).await.unwrap();
    assert_eq!(try_create(&store, keyed("a")).await, Created::New(3));
    store
}

async fn refused_while_the_twin_lives(store: &Store) {
    let before = rows("SELECT * FROM tasks WHERE id = 1");
    let refused = store.retry_task(1).await;
    assert!(matches!(refused, Err(Error::KeyTaken { id: 1, twin: 3 })));
    let others = [acquire(store).await.unwrap(), acquire(store).await.unwrap()];
    let refused = store.retry_task(1).await;
    assert!(matches!(refused, Err(Error::KeyTaken { id: 1, twin: 3 })));
    assert_eq!(rows("SELECT * FROM tasks WHERE id = 1"), before);

    for task in others {
        assert_eq!(end(store, task).await, Ending::Ended);
    }
    store.retry_task(1).await.unwrap();
    assert_eq!(try_create(store, keyed("a")).await, Created::Existing(1));
}

#[tokio::test]
async fn a_failed_task_is_not_put_back_while_its_twin_lives() {
    refused_while_the_twin_lives(&twins(Next::Failed).await).await;
}

#[tokio::test]
async fn nor_is_one_that_has_succeeded() {
    refused_while_the_twin_lives(&twins(Next::Stopped).await).await;
}

#[tokio::test]
async fn a_task_that_waits_is_its_own_twin_and_is_brought_forward() {
    let store = store();
    let later = store.now() + Duration::from_hours(1);
    store.create(keyed("a").at(later)).await.unwrap();
    store.retry_task(1).await.unwrap();
    assert!(acquire(&store).await.is_some());
}

#[tokio::test]
async fn what_a_dead_engine_has_left_keeps_its_key_until_it_has_failed() {
    let (store, clock) = store_with_clock();
    store.create(keyed("a")).await.unwrap();
    for status in ["waiting", "waiting", "waiting", "failed"] {
        silent_engine(&store, 900, 0).await;
        assert_eq!(try_create(&store, keyed("a")).await, Created::Existing(1));
        observe(&store, &clock, || !rows(TASKS).contains("running")).await;
        assert_eq!(rows(TASKS), format!("1 | {status} | a"));
        connection().execute("DELETE FROM engines", []).unwrap();
    }
    assert_eq!(try_create(&store, keyed("a")).await, Created::New(2));
}

#[tokio::test]
async fn so_does_what_one_without_a_number_has_left() {
    let store = store();
    store.create(keyed("a")).await.unwrap();
    for again in [true, true, true, false] {
        acquire(&store).await.unwrap();
        assert_eq!(try_create(&store, keyed("a")).await, Created::Existing(1));
        let put_back = store.retry_stranded_tasks("test").await.unwrap();
        assert_eq!(put_back, [(1, again)]);
    }
    assert_eq!(try_create(&store, keyed("a")).await, Created::New(2));
}

/// SQLite refuses what would make two of them, whoever asks for it.
#[tokio::test]
async fn other_programs_make_no_twins_either() {
    const INSERT: &str =
        "INSERT INTO tasks (task_kind, task_parameters, created_at, updated_at, unique_key)
                          VALUES ('test', '{}', 0, 0, 'a')";
    twins(Next::Failed).await;
    let refused = |sql: &str| match connection().execute(sql, []) {
        Err(SqliteError::SqliteFailure(_, Some(message))) => message,
        other => panic!("{other:?}"),
    };
    let texts = [
        refused("UPDATE tasks SET status = 'waiting' WHERE id = 1"),
        refused("UPDATE tasks SET status = 'running' WHERE id = 1"),
        refused("UPDATE tasks SET unique_key = 'a' WHERE id = 2"),
        refused(INSERT),
    ];
    insta::assert_snapshot!(texts.join("\n"), @"
    UNIQUE constraint failed: tasks.task_kind, tasks.unique_key
    UNIQUE constraint failed: tasks.task_kind, tasks.unique_key
    UNIQUE constraint failed: tasks.task_kind, tasks.unique_key
    UNIQUE constraint failed: tasks.task_kind, tasks.unique_key
    ");
    let quiet = format!("{INSERT} ON CONFLICT DO NOTHING");
    assert_eq!(connection().execute(&quiet, []).unwrap(), 0);
    assert_eq!(
        rows(TASKS),
        "1 | failed | a\n2 | waiting | b\n3 | waiting | a"
    );

    let odd = "UPDATE tasks SET unique_key = CAST('caf' || x'E9' AS TEXT) WHERE id = 2";
    connection().execute(odd, []).unwrap();
    assert!(program(&["show", "2"]).contains("unique key  caf\u{fffd}"));
    insta::assert_snapshot!(
        program(&["retry", "2", "1"]),
        @"
    task 2 is waiting again
    error: task 1 can't wait again: task 3 has the same unique key, and waits or runs
    "
    );
}

/// Another program has ended it, and a twin is there meanwhile: its end is only lost.
#[tokio::test]
async fn an_end_never_fails_for_a_twin() {
    let store = store();
    store.create(keyed("a")).await.unwrap();
    let late = acquire(&store).await.unwrap();
    connection()
        .execute("UPDATE tasks SET status = 'stopped'", [])
        .unwrap();
    assert_eq!(try_create(&store, keyed("a")).await, Created::New(2));
    let retry = Next::RetryAt(store.now());
    let late = Execution::of(late);
    let ended = store.end(&late, Err("down".into()), retry).await;
    assert_eq!(ended.unwrap(), Ending::Lost);
    assert_eq!(rows(TASKS), "1 | stopped | a\n2 | waiting | a");
}

#[test]
fn of_many_creations_at_once_one_is_new() {
    const CREATORS: usize = 16;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("tasks.db");
    Store::open(&path).unwrap();
    let barrier = Barrier::new(CREATORS);
    let create = || {
        let store = Store::open(&path).unwrap();
        let runtime = Runtime::new().unwrap();
        barrier.wait();
        runtime.block_on(store.try_create(keyed("a"))).unwrap()
    };
    let mut created = thread::scope(|scope| {
        let threads: Vec<_> = (0..CREATORS).map(|_| scope.spawn(create)).collect();
        let created = threads.into_iter().map(|thread| thread.join().unwrap());
        created.collect::<Vec<_>>()
    });
    created.sort_by_key(|created| matches!(created, Created::Existing(_)));
    assert_eq!(created[0], Created::New(1));
    assert_eq!(created[1..], [Created::Existing(1); CREATORS - 1]);
}

/// Tasks of three keys are created again and again while an engine executes them, retries them, and
/// somebody puts them back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_wedges_while_keys_are_taken_and_freed() {
    const CREATIONS: usize = 60;
    let store = store();
    let policy = RetryPolicy {
        max_retries: 1,
        first_delay: Duration::ZERO,
        ..RetryPolicy::default()
    };
    let handler = Handler::fallible(|context: Context| async move {
        match context.task.id % 3 {
            0 => Err("down".into()),
            1 if context.task.retries == 0 => Err("down".into()),
            _ => Ok(()),
        }
    });
    let registry = Registry::default().with_handler("test", handler.retried(policy));
    let config = Config {
        instance: "test".to_owned(),
        ..Config::default()
    };
    let running = Engine::new(store.clone(), registry, config).start().await;
    let done = AtomicBool::new(false);
    let create = async {
        let other = Store::open(database()).unwrap();
        for number in 0..CREATIONS {
            let key = ["a", "b", "c"][number % 3];
            let what = [IfExists::Keep, IfExists::Replace, IfExists::Move][number / 3 % 3];
            try_create(&other, keyed(key).if_exists(what)).await;
        }
        done.store(true, Ordering::Relaxed);
    };
    let put_back = async {
        let other = Store::open(database()).unwrap();
        while !done.load(Ordering::Relaxed) {
            match other.retry_task(1).await {
                Ok(()) | Err(Error::KeyTaken { .. } | Error::NoTask(_) | Error::Running(_)) => (),
                Err(error) => panic!("{error:?}"),
            }
        }
    };
    tokio::join!(create, put_back);
    running.unwrap().drain().await.unwrap();
    assert_eq!(
        rows("SELECT id FROM tasks WHERE status NOT IN ('stopped', 'failed')"),
        ""
    );
    assert_eq!(
        rows("SELECT id FROM task_executions WHERE stopped_at IS NULL"),
        ""
    );
    assert!(!log().contains("ERROR"), "{}", log());
}

#[tokio::test]
async fn a_task_may_create_one_that_exists() {
    let store = store();
    store.create(keyed("a")).await.unwrap();
    let context = Context::for_test().with_store(store.clone());
    assert_eq!(context.create(keyed("a")).await.unwrap(), 1);
    let (task, _) = store.reader().find_task(1).await.unwrap();
    assert_eq!(task.parent, None);
}

#[tokio::test]
async fn the_keys_of_tasks_that_have_ended_are_not_looked_at() {
    let store = store();
    let mut asked = statements(&store, async {
        let moved = keyed("a").if_exists(IfExists::Move);
        for _ in 0..2 {
            try_create(&store, moved.clone()).await;
        }
        store.retry_task(1).await.unwrap();
    })
    .await;
    asked.retain(|sql| sql.contains("unique_key") || sql.contains("coalesce(?2"));
    insta::assert_snapshot!(plans(&asked), @"
    SELECT id FROM tasks WHERE task_kind = ?1 AND unique_key = ?2 AND status IN ('waiting', 'running')
        SEARCH tasks USING INDEX unique_tasks (task_kind=? AND unique_key=?)
    SELECT id FROM tasks WHERE task_kind = ?1 AND unique_key = ?2 AND status IN ('waiting', 'running')
        SEARCH tasks USING INDEX unique_tasks (task_kind=? AND unique_key=?)
    UPDATE tasks SET task_parameters = coalesce(?2, task_parameters), scheduled_at = coalesce(?3, scheduled_at), updated_at = ?4 WHERE id = ?1 AND status = 'waiting'
        SEARCH tasks USING INTEGER PRIMARY KEY (rowid=?)
    SELECT twin.id FROM tasks JOIN tasks AS twin USING (task_kind, unique_key) WHERE tasks.id = ?1 AND twin.id <> ?1 AND twin.status IN ('waiting', 'running')
        SEARCH tasks USING INTEGER PRIMARY KEY (rowid=?)
        SEARCH twin USING INDEX unique_tasks (task_kind=? AND unique_key=?)
    ");
}

#[test]
fn it_is_asked_for_and_shown() {
    drop(store());
    let task = ["create", "waiting", r#"{"waiting_time": 0}"#];
    let ask = |options: &[&str]| program(&[&task, options].concat());
    let mut told = vec![
        ask(&["--unique", "a", "--in", "1h"]),
        ask(&["--unique", "a"]),
        ask(&["--unique", "a", "--if-exists", "keep"]),
        ask(&["--unique", "a", "--if-exists", "replace"]),
        ask(&["--unique", "a", "--if-exists", "move"]),
        ask(&["--unique", ""]),
        ask(&["--unique", ""]),
        ask(&["--count", "2"]),
    ];
    for refused in [
        &["--if-exists", "keep"][..],
        &["--unique", "a", "--if-exists", "forget"],
        &["--unique", "a", "--count", "2"],
    ] {
        let text = ask(refused);
        told.push(text.lines().next().unwrap().to_owned() + "\n");
    }
    insta::assert_snapshot!(told.concat(), @"
    1 task created
    task 1 exists already
    task 1 exists already
    task 1 exists already, and is changed
    task 1 exists already, and is changed
    1 task created
    task 2 exists already
    2 tasks created
    error: the following required arguments were not provided:
    error: invalid value 'forget' for '--if-exists <WHAT>'
    error: the argument '--unique <KEY>' cannot be used with '--count <N>'
    ");
    assert_eq!(rows("SELECT count(*) FROM tasks"), "4");
    assert!(program(&["show", "1"]).contains("\n  unique key  a\n"));
    assert!(!program(&["show", "3"]).contains("unique"));
    let json: Value = serde_json::from_str(&program(&["trace", "1", "--json"])).unwrap();
    assert_eq!(json[0]["unique_key"], "a");
}
