//! What the store writes shares a transaction without a savepoint: it can be done again.

use rusqlite::Connection;
use serde_json::json;
use step47_prefetch::{Ending, Error, Execution, Next, Store, Task, Tx};

use crate::common::{acquire, connection, create_tasks, end, rows, statements, store};
use crate::throughput::{
    Asked, all, ask, count, create, create_and, create_once, numbered, numbers,
};

const STATUSES: &str = "SELECT group_concat(status, ' ') FROM (SELECT * FROM tasks ORDER BY id)";

/// While another program writes, what is asked for waits together.
fn locked() -> Connection {
    let other = connection();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    other
}

/// The end of the execution of this task is refused, once the task itself is marked as ended.
fn refuse(task: i64) {
    let trigger = format!(
        "CREATE TRIGGER refuse BEFORE UPDATE ON task_executions WHEN new.task_id = {task}
         BEGIN SELECT raise(ABORT, 'not this one'); END"
    );
    connection().execute_batch(&trigger).unwrap();
}

async fn ask_to_end(store: &Store, task: Task) -> Asked<Ending> {
    let store = store.clone();
    let end = async move {
        let execution = Execution::of(task);
        store.end(&execution, Ok(json!(null)), Next::Stopped).await
    };
    ask(end).await
}

#[tokio::test]
async fn what_the_store_writes_has_no_savepoint() {
    let store = store();
    let asked = statements(&store, async {
        let other = locked();
        let mut creations = Vec::new();
        for number in 0..50 {
            creations.push(ask(create(&store, number)).await);
        }
        other.execute_batch("COMMIT").unwrap();
        for creation in all(creations).await {
            creation.unwrap();
        }
        create_tasks(&store, 1).await;
        let task = acquire(&store).await.unwrap();
        assert_eq!(end(&store, task).await, Ending::Ended);
    });
    let asked = asked.await;

    assert_eq!(count(&asked, "INSERT INTO tasks"), 51);
    // The first begins the trace.
    assert_eq!(count(&asked, "COMMIT"), 5, "{asked:#?}");
    assert_eq!(count(&asked, "SAVEPOINT"), 0, "{asked:#?}");
}

/// Before it, there is nothing that it could undo.
#[tokio::test]
async fn nor_has_what_comes_first_whoever_wrote_it() {
    let store = store();
    let asked = statements(&store, async {
        create_once(&store, 1).await.unwrap();
        let other = locked();
        // The schema isn't what SQLite counts as changes.
        let failing = ask(create_and(&store, 2, "CREATE TABLE half (done); nonsense")).await;
        let next = ask(create(&store, 3)).await;
        other.execute_batch("COMMIT").unwrap();
        let failure = failing.await.unwrap_err();
        assert!(matches!(failure, Error::Sqlite(_)), "{failure:?}");
        next.await.unwrap();

        let other = locked();
        let failing = store.clone();
        let create_half = |tx: &Tx| -> Result<(), Error> {
            tx.execute_batch("CREATE TABLE half (done)")?;
            Err(Error::NoTask(4))
        };
        let failing = ask(async move { failing.transaction(create_half).await }).await;
        let next = ask(create(&store, 5)).await;
        other.execute_batch("COMMIT").unwrap();
        let failure = failing.await.unwrap_err();
        assert!(matches!(failure, Error::NoTask(4)), "{failure:?}");
        next.await.unwrap();
    });
    let asked = asked.await;

    assert_eq!(count(&asked, "SAVEPOINT"), 0, "{asked:#?}");
    assert_eq!(numbers(), "1 3 5");
    assert_eq!(rows("SELECT * FROM sqlite_schema WHERE name = 'half'"), "");
}

/// It asks for nothing: the others go on.
#[tokio::test]
async fn one_that_fails_before_it_writes_undoes_nothing() {
    let store = store();
    let asked = statements(&store, async {
        let other = locked();
        let first = ask(create(&store, 1)).await;
        let failing = store.clone();
        let failing = ask(async move { failing.retry_task(7).await }).await;
        let last = ask(create(&store, 2)).await;
        other.execute_batch("COMMIT").unwrap();
        first.await.unwrap();
        let failure = failing.await.unwrap_err();
        assert!(matches!(failure, Error::NoTask(7)), "{failure:?}");
        last.await.unwrap();
    });
    let asked = asked.await;

    assert_eq!(numbers(), "1 2");
    assert_eq!(count(&asked, "INSERT INTO tasks"), 2, "{asked:#?}");
    assert_eq!(count(&asked, "COMMIT"), 2, "{asked:#?}");
}

#[tokio::test]
async fn one_that_fails_half_done_undoes_those_before_it_which_are_done_again() {
    let store = store();
    create_tasks(&store, 3).await;
    refuse(2);
    let mut tasks = Vec::new();
    for _ in 0..3 {
        tasks.push(acquire(&store).await.unwrap());
    }
    let asked = statements(&store, async {
        let other = locked();
        let mut ends = Vec::new();
        for task in tasks {
            ends.push(ask_to_end(&store, task).await);
        }
        other.execute_batch("COMMIT").unwrap();
        let ends = all(ends).await;
        assert!(matches!(ends[0], Ok(Ending::Ended)), "{ends:?}");
        assert!(matches!(&ends[1], Err(Error::Sqlite(_))), "{ends:?}");
        assert!(matches!(ends[2], Ok(Ending::Ended)), "{ends:?}");
    });
    let asked = asked.await;

    assert_eq!(rows(STATUSES), "stopped running stopped");
    assert_eq!(count(&asked, "SAVEPOINT"), 0, "{asked:#?}");
}

/// SQLite doesn't count what a trigger has written before it fails so.
#[tokio::test]
async fn what_a_trigger_leaves_half_done_is_undone() {
    let store = store();
    let shop = "CREATE TABLE stock (article TEXT, left INTEGER CHECK (left >= 0));
                INSERT INTO stock VALUES ('tea', 1), ('milk', 0);
                CREATE TRIGGER take BEFORE UPDATE ON tasks WHEN new.status = 'stopped'
                BEGIN UPDATE OR FAIL stock SET left = left - 1; END";
    connection().execute_batch(shop).unwrap();
    create_tasks(&store, 1).await;
    let task = acquire(&store).await.unwrap();
    let other = locked();
    let first = ask(create(&store, 1)).await;
    let failing = ask_to_end(&store, task).await;
    let last = ask(create(&store, 2)).await;
    other.execute_batch("COMMIT").unwrap();
    first.await.unwrap();
    assert!(matches!(failing.await, Err(Error::Sqlite(_))));
    last.await.unwrap();
    assert_eq!(rows("SELECT * FROM stock"), "tea | 1\nmilk | 0");
}

/// What the application has done can't be done again.
#[tokio::test]
async fn what_comes_after_the_work_of_another_can_be_undone_by_itself() {
    let store = store();
    create_tasks(&store, 1).await;
    refuse(1);
    let task = acquire(&store).await.unwrap();
    let asked = statements(&store, async {
        let other = locked();
        let ours = ask(create(&store, 1)).await;
        let theirs = ask(create_once(&store, 2)).await;
        let failing = ask_to_end(&store, task).await;
        let failing_too = ask(create_and(&store, 3, "nonsense")).await;
        let last = ask(create(&store, 4)).await;
        other.execute_batch("COMMIT").unwrap();
        ours.await.unwrap();
        theirs.await.unwrap();
        assert!(matches!(failing.await, Err(Error::Sqlite(_))));
        assert!(matches!(failing_too.await, Err(Error::Sqlite(_))));
        last.await.unwrap();
    });
    let asked = asked.await;

    assert_eq!(rows(STATUSES), "running waiting waiting waiting");
    assert_eq!(count(&asked, "COMMIT"), 2, "{asked:#?}");
    // All but the first.
    assert_eq!(count(&asked, "SAVEPOINT"), 4, "{asked:#?}");
}

/// Where the work fails, whatever it is, nobody believes that more or less was done.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_fails_half_done_among_many_is_not_done_at_all() {
    let store = store();
    let ids = create_tasks(&store, 20).await;
    let refuse = "CREATE TRIGGER refuse BEFORE UPDATE ON task_executions WHEN new.task_id % 2
                  BEGIN SELECT raise(ABORT, 'not this one'); END";
    connection().execute_batch(refuse).unwrap();
    let mut callers = Vec::new();
    for id in ids {
        let task = acquire(&store).await.unwrap();
        assert_eq!(task.id, id);
        let (ending, creating) = (store.clone(), store.clone());
        callers.push(tokio::spawn(async move {
            let ended = ending
                .end(&Execution::of(task), Ok(json!(null)), Next::Stopped)
                .await;
            assert_eq!(ended.is_err(), id % 2 == 1, "{ended:?}");
        }));
        callers.push(tokio::spawn(async move {
            if id % 3 == 0 {
                create_once(&creating, id).await.unwrap();
            } else {
                creating.create(numbered(id)).await.unwrap();
            }
        }));
    }
    for caller in callers {
        caller.await.unwrap();
    }

    let odd = "SELECT count(*) FROM tasks WHERE status = 'running' AND id % 2";
    assert_eq!(rows(odd), "10");
    let even = "SELECT count(*) FROM tasks WHERE status = 'stopped' AND id % 2 = 0";
    assert_eq!(rows(even), "10");
    let created = "SELECT count(DISTINCT task_parameters) || ' ' || count(*) FROM tasks
                   WHERE status = 'waiting'";
    assert_eq!(rows(created), "20 20");
}
