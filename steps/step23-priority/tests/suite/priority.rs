//! Some tasks come before others, and none waits for ever.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use step23_priority::{
    Config, Context, Engine, Handler, NewTask, Priority, Registry, RetryPolicy, Selection, Store,
    Task,
};
use tokio::sync::Mutex;

use crate::common::{acquire, connection, database, new_task, rows, statements, store};
use crate::inspection::program;
use crate::monitoring::plans;

/// Executes all that is due with one worker, and gives the numbers of the tasks in their order.
async fn order(
    store: &Store,
    handler: impl Fn(&Context) -> bool + Send + Sync + 'static,
) -> Vec<i64> {
    let (executed, handler) = (Arc::new(Mutex::new(Vec::new())), Arc::new(handler));
    let note = executed.clone();
    let policy = RetryPolicy {
        first_delay: Duration::ZERO,
        ..RetryPolicy::default()
    };
    let handler = Handler::fallible(move |context: Context| {
        let (note, handler) = (note.clone(), handler.clone());
        async move {
            note.lock().await.push(context.task.id);
            if handler(&context) {
                Ok(())
            } else {
                Err("down".into())
            }
        }
    });
    let config = Config {
        instance: "test".to_owned(),
        workers: 1,
        ..Config::default()
    };
    let registry = Registry::default().with_handler("test", handler.retried(policy));
    let engine = Engine::new(store.clone(), registry, config)
        .start()
        .await
        .unwrap();
    engine.drain().await.unwrap();
    Arc::try_unwrap(executed).unwrap().into_inner()
}

async fn create(store: &Store, priority: Priority, count: usize) {
    for _ in 0..count {
        store.create(new_task().priority(priority)).await.unwrap();
    }
}

#[tokio::test]
async fn the_higher_come_first_and_equals_in_their_order() {
    let store = store();
    for priority in [Priority::Low, Priority::Normal, Priority::High] {
        create(&store, priority, 2).await;
    }
    assert_eq!(order(&store, |_| true).await, [5, 6, 3, 4, 1, 2]);
}

#[tokio::test]
async fn a_task_is_normal_unless_it_is_said() {
    let store = store();
    store.create(new_task()).await.unwrap();
    let insert = "INSERT INTO tasks (task_kind, task_parameters, created_at, updated_at)
                  VALUES ('test', '{}', 0, 0)";
    connection().execute_batch(insert).unwrap();
    assert_eq!(rows("SELECT priority FROM tasks"), "normal\nnormal");
}

/// Ten acquisitions of high tasks would leave the low one waiting: the tenth is for it.
#[tokio::test]
async fn under_a_flood_a_low_task_has_its_turn() {
    let store = store();
    create(&store, Priority::Low, 1).await;
    create(&store, Priority::High, 30).await;
    let order = order(&store, |_| true).await;
    assert_eq!(order.iter().position(|id| *id == 1), Some(9), "{order:?}");
}

#[tokio::test]
async fn a_turn_is_over_when_a_task_is_taken() {
    let store = store();
    let selection = selection(vec!["test".to_owned()], 9);
    for _ in 0..2 {
        let acquired = store.try_acquire_task(&selection).await.unwrap();
        assert!(acquired.task.is_none());
    }
    create(&store, Priority::Low, 2).await;
    create(&store, Priority::High, 1).await;
    for expected in [1, 3] {
        let acquired = store.try_acquire_task(&selection.clone()).await.unwrap();
        assert_eq!(acquired.task.unwrap().id, expected);
    }
}

/// It comes after those that have been due for longer, one turn in ten each.
#[tokio::test]
async fn a_low_task_waits_for_those_before_it() {
    let store = store();
    create(&store, Priority::High, 2).await;
    create(&store, Priority::Low, 2).await;
    create(&store, Priority::High, 40).await;
    let order = order(&store, |_| true).await;
    let position = |id| order.iter().position(|other| *other == id).unwrap();
    // The two that were there before are executed at once, as others of their priority.
    assert_eq!((position(3), position(4)), (9, 19), "{order:?}");
}

#[tokio::test]
async fn a_retried_task_keeps_its_priority() {
    let store = store();
    create(&store, Priority::Low, 1).await;
    create(&store, Priority::High, 1).await;
    let order = order(&store, |context| context.task.retries == 1).await;
    assert_eq!(order, [2, 2, 1, 1]);
    assert_eq!(rows("SELECT priority FROM tasks"), "low\nhigh");
}

#[tokio::test]
async fn what_is_for_later_comes_before_nobody() {
    let store = store();
    let later = store.now() + Duration::from_hours(1);
    store
        .create(new_task().priority(Priority::High).at(later))
        .await
        .unwrap();
    create(&store, Priority::Low, 1).await;

    let selection = selection(vec!["test".to_owned()], 0);
    let acquired = store.try_acquire_task(&selection).await.unwrap();

    assert_eq!(acquired.task.unwrap().id, 2);
    assert_eq!(
        acquired.next.unwrap().as_millisecond(),
        later.as_millisecond()
    );
}

#[tokio::test]
async fn each_kind_and_priority_is_searched_by_the_index() {
    let store = store();
    create(&store, Priority::Low, 1).await;
    let asked = statements(&store, async {
        acquire(&store).await;
    })
    .await;
    let plans = plans(&asked);
    let plans = plans
        .lines()
        .skip_while(|line| !line.contains("priority = ?2"));
    insta::assert_snapshot!(plans.take(2).collect::<Vec<_>>().join("\n"), @r"
    SELECT scheduled_at, id FROM tasks WHERE status = 'waiting' AND task_kind = ?1 AND priority = ?2 ORDER BY scheduled_at, id LIMIT 1
        SEARCH tasks USING COVERING INDEX waiting_tasks (task_kind=? AND priority=?)
    ");
}

#[tokio::test]
async fn kinds_of_which_none_waits_are_not_searched() {
    let store = store();
    create(&store, Priority::Low, 4).await;
    let asked = async |kinds| statements(&store, acquire_of(&store, kinds)).await.len();
    let among = |name| {
        let others = (0..100).map(|index| format!("{name} {index}"));
        others.chain(["test".to_owned()]).collect()
    };

    let one = asked(vec!["test".to_owned()]).await;
    let [before, after] = ["rest", "tests"].map(among).map(asked);

    // It looks twice: before the task starts, and after.
    assert_eq!((before.await, after.await), (one, one + 2));
}

/// The kinds are compared as SQLite does.
#[tokio::test]
async fn whatever_the_kinds_are_called_each_is_found() {
    let kinds = [
        "tests",
        "",
        "été",
        "test",
        "\u{10ffff}",
        "Test",
        "e\u{301}",
        "tes",
        "\0",
        "\u{ffff}",
    ];
    let store = store();
    let others = "INSERT INTO tasks (task_kind, task_parameters, created_at, updated_at)
                  SELECT CAST(column1 AS TEXT), '{}', 0, 0
                  FROM (VALUES ('0'), ('test '), ('été '), (x'80'), (x'c3'), (x'ff'))";
    connection().execute_batch(others).unwrap();
    for kind in kinds {
        store.create(NewTask::new(kind, json!({}))).await.unwrap();
        let known = kinds.map(str::to_owned).to_vec();
        assert_eq!(acquire_of(&store, known).await.unwrap().kind, kind);
    }
}

#[test]
fn a_database_that_compares_otherwise_is_refused() {
    connection()
        .execute_batch("PRAGMA encoding = 'UTF-16'; CREATE TABLE notes (note)")
        .unwrap();
    let refused = Store::open(database()).unwrap_err();
    assert!(
        refused.source().unwrap().to_string().contains("UTF-16le"),
        "{refused:?}"
    );
}

fn selection(kinds: Vec<String>, taken: u64) -> Selection {
    Selection {
        instance: "test".into(),
        kinds: kinds.into(),
        taken: Arc::new(taken.into()),
    }
}

async fn acquire_of(store: &Store, kinds: Vec<String>) -> Option<Task> {
    let selection = selection(kinds, 0);
    store.try_acquire_task(&selection).await.unwrap().task
}

#[test]
fn it_is_asked_for_and_shown() {
    drop(store());
    program(&[
        "create",
        "waiting",
        r#"{"waiting_time": 0}"#,
        "--priority",
        "high",
    ]);
    program(&["create", "waiting", r#"{"waiting_time": 0}"#]);
    assert!(program(&["show", "1"]).contains("priority    high"));
    assert!(!program(&["show", "2"]).contains("priority"));
    assert!(program(&["list"]).contains("waiting (high)  {"));
    let refused = program(&["create", "waiting", "--priority", "urgent"]);
    assert!(
        refused.contains("[possible values: high, normal, low]"),
        "{refused}"
    );
    let refused = "urgent".parse::<Priority>().unwrap_err();
    insta::assert_snapshot!(refused, @r#"unknown priority "urgent""#);
}
