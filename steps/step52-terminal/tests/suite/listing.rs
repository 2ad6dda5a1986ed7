//! The last tasks, or those that have a given status.

use serde_json::json;
use step52_terminal::{Filter, NewTask, TaskStatus};

use crate::common::{acquire, connection, create_tasks, end, statements, store};
use crate::inspection::program;
use crate::monitoring::plans;

/// One that was executed, one that runs, one that waits.
async fn three_tasks() {
    let store = store();
    create_tasks(&store, 2).await;
    let long = json!({ "text": "é".repeat(100) });
    store.create(NewTask::new("test", long)).await.unwrap();
    let task = acquire(&store).await.unwrap();
    let _ = end(&store, task).await;
    acquire(&store).await.unwrap();
    let update = "UPDATE tasks SET created_at = 1600000000000";
    connection().execute_batch(update).unwrap();
}

#[tokio::test]
async fn the_last_tasks_come_first() {
    three_tasks().await;
    insta::assert_snapshot!(program(&["list"]));
    insta::assert_snapshot!(program(&["list", "--limit", "1"]));
}

#[tokio::test]
async fn those_of_a_status_are_listed_alone() {
    three_tasks().await;
    insta::assert_snapshot!(program(&["list", "--status", "running"]));
    insta::assert_snapshot!(program(&["list", "--status", "stopped"]));
    let refused = program(&["list", "--status", "sleeping"]);
    assert!(
        refused.contains("[possible values: waiting, running, stopped"),
        "{refused}"
    );
}

#[tokio::test]
async fn no_list_of_those_to_come_reads_the_others() {
    let store = store();
    let asked = statements(&store, async {
        for status in TaskStatus::ALL {
            let listed = store.reader().list_tasks(Filter::Status(*status), 5);
            assert_eq!(listed.await.unwrap(), []);
        }
    })
    .await;
    insta::assert_snapshot!(plans(&asked));
}

#[tokio::test]
async fn an_empty_list_has_its_titles() {
    drop(store());
    assert_eq!(program(&["list"]).lines().count(), 1);
}

#[tokio::test]
async fn what_is_in_the_database_stays_on_its_line() {
    three_tasks().await;
    let update = "UPDATE tasks SET task_kind = char(27, 10) || 'x' WHERE id = 3";
    connection().execute_batch(update).unwrap();
    insta::assert_snapshot!(program(&["list", "--limit", "1"]));
}

#[test]
fn each_status_has_its_word() {
    for status in TaskStatus::ALL {
        assert_eq!(status.as_str().parse::<TaskStatus>().unwrap(), *status);
    }
    let refused = "sleeping".parse::<TaskStatus>().unwrap_err();
    insta::assert_snapshot!(refused, @r#"unknown status "sleeping""#);
}
