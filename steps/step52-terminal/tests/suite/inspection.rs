//! Looking at tasks disturbs nobody.

use std::process::Command;

use rusqlite::TransactionBehavior;
use step52_terminal::{Error, Reader};

use crate::common::{acquire, connection, create_tasks, database, end, rows, store};

/// What the program prints about the tasks of the database, on both outputs.
pub fn program(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_step52-terminal"))
        .args(arguments)
        .env("TASK_ENGINE_DATABASE", database())
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8(text).unwrap()
}

/// One that was executed, and one that runs.
async fn two_tasks() {
    let store = store();
    create_tasks(&store, 2).await;
    let task = acquire(&store).await.unwrap();
    let _ = end(&store, task).await;
    acquire(&store).await.unwrap();
    let update = "UPDATE tasks SET created_at = 1600000000000, scheduled_at = 1600000000000;
                  UPDATE task_executions SET started_at = 1600000000500,
                  stopped_at = stopped_at - stopped_at + 1600000002000";
    connection().execute_batch(update).unwrap();
}

#[tokio::test]
async fn a_task_is_shown_with_its_executions() {
    two_tasks().await;
    insta::assert_snapshot!(program(&["show", "1"]), @"
    task 1
      kind        test
      parameters  {}
      status      stopped
      instance    test
      scheduled   2020-09-13T12:26:40.000Z
      created     2020-09-13T12:26:40.000Z
    execution 1
      started     2020-09-13T12:26:40.500Z
      stopped     2020-09-13T12:26:42.000Z
      result      null
    ");
    insta::assert_snapshot!(program(&["show", "2"]), @"
    task 2
      kind        test
      parameters  {}
      status      running
      instance    test
      scheduled   2020-09-13T12:26:40.000Z
      created     2020-09-13T12:26:40.000Z
    execution 2
      started     2020-09-13T12:26:40.500Z
    ");
    insta::assert_snapshot!(program(&["show", "17"]), @"error: there is no task 17");
}

#[tokio::test]
async fn nothing_waits_for_those_that_write() {
    let store = store();
    create_tasks(&store, 1).await;
    let mut writer = connection();
    let turn = writer.transaction_with_behavior(TransactionBehavior::Immediate);
    let turn = turn.unwrap();
    turn.execute("UPDATE tasks SET task_kind = 'other'", [])
        .unwrap();

    let (task, _) = store.reader().find_task(1).await.unwrap();
    assert_eq!(task.kind, "test");
    assert_eq!(store.waiting_kinds().await.unwrap(), ["test"]);
    assert!(Reader::open(database()).is_ok());
}

#[tokio::test]
async fn a_reader_can_write_nothing() {
    let store = store();
    let written = store
        .reader()
        .read(|sql| Ok(sql.execute("DELETE FROM tasks", [])?));
    assert!(matches!(written.await, Err(Error::Sqlite(_))));
}

#[test]
fn a_reader_makes_no_database() {
    let refused = program(&["show", "1"]);
    assert!(
        refused.contains("there is no such place: No such file"),
        "{refused}"
    );
    assert!(!database().exists());
}

#[tokio::test]
async fn a_reader_upgrades_nothing() {
    drop(store());
    let older = "UPDATE task_engine SET schema_version = 1";
    connection().execute_batch(older).unwrap();

    let refused = program(&["show", "1"]);

    assert!(
        refused.ends_with("`start` or `create` upgrade it\n"),
        "{refused}"
    );
    assert_eq!(rows("SELECT schema_version FROM task_engine"), "1");
}

#[tokio::test]
async fn whatever_is_in_the_database_moves_no_cursor() {
    two_tasks().await;
    let update = "UPDATE tasks SET task_kind = CAST(x'1b5b324ae9c285' AS TEXT),
                  instance = char(27, 10, 7), created_at = 9223372036854775807";
    connection().execute(update, []).unwrap();

    insta::assert_snapshot!(program(&["show", "2"]), @"
    task 2
      kind        �[2J��
      parameters  {}
      status      running
      instance    � �
      scheduled   2020-09-13T12:26:40.000Z
      created     9999-12-30T22:00:00.999Z
    execution 2
      started     2020-09-13T12:26:40.500Z
    ");
}
