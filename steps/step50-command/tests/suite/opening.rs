//! What is opened is what was asked for, or the reason is told.

use std::error::Error as _;
use std::fs;
use std::path::Path;

use rusqlite::Connection;
use step50_command::{Handler, Store};
use tempfile::TempDir;

use crate::common::{connection, create_tasks, left, log, rows, run, store};

/// Opens what must not open, and says why.
fn refusal(name: &str, prepare: impl FnOnce(&Path)) -> String {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(name);
    prepare(&path);
    let error = Store::open(&path).expect_err("the opening is refused");
    assert!(
        error.to_string().contains(path.to_str().unwrap()),
        "{error}"
    );
    error.source().unwrap().to_string()
}

fn made_by(sql: &str) -> impl FnOnce(&Path) {
    move |path| Connection::open(path).unwrap().execute_batch(sql).unwrap()
}

#[test]
fn what_is_wrong_is_told() {
    let missing_folder = refusal("missing/task_engine.db", |_| ());
    insta::assert_snapshot!(missing_folder, @"there is no such place");

    let another_program = refusal("other.db", made_by("CREATE TABLE tasks (title TEXT)"));
    insta::assert_snapshot!(another_program, @r#"it has a table "tasks" of another program: use another file"#);

    let newer = "CREATE TABLE task_engine AS SELECT 1000 AS schema_version";
    let newer = refusal("newer.db", made_by(newer));
    insta::assert_snapshot!(newer, @"it was made by a newer version of this program: use that version");

    let in_memory = Store::open(":memory:")
        .unwrap_err()
        .source()
        .unwrap()
        .to_string();
    insta::assert_snapshot!(in_memory, @"nothing would be kept: give the path of a file");
}

#[test]
fn what_sqlite_says_is_told() {
    let text = "These are notes, at least a hundred characters of them. ".repeat(20);
    let notes = refusal("notes.txt", |path| fs::write(path, text).unwrap());
    insta::assert_snapshot!(notes, @"the database failed");
    let folder = refusal("folder", |path| fs::create_dir(path).unwrap());
    insta::assert_snapshot!(folder, @"the database failed");
}

#[tokio::test]
async fn the_file_can_be_the_application_s_too() {
    connection()
        .execute_batch("CREATE TABLE orders (id INTEGER PRIMARY KEY); PRAGMA user_version = 17")
        .unwrap();

    create_tasks(&store(), 1).await;

    assert_eq!(rows("PRAGMA user_version"), "17");
    assert_eq!(rows("SELECT count(*) FROM tasks"), "1");
}

#[tokio::test]
async fn a_schema_is_brought_up_to_date_once() {
    drop(store());
    let version = rows("SELECT schema_version FROM task_engine");
    drop(store());
    assert_eq!(rows("SELECT schema_version FROM task_engine"), version);
}

/// The application has a row that refers to the task.
#[tokio::test]
async fn a_task_whose_end_is_refused_harms_no_other() {
    let store = store();
    create_tasks(&store, 2).await;
    let refuse = "CREATE TRIGGER refuse BEFORE DELETE ON tasks WHEN old.id = 1
                  BEGIN SELECT raise(ABORT, 'an order needs it'); END;
                  CREATE TRIGGER refuse_too BEFORE UPDATE ON tasks
                  WHEN old.id = 1 AND old.status = 'running'
                  BEGIN SELECT raise(ABORT, 'an order needs it'); END;";
    connection().execute_batch(refuse).unwrap();

    run(&store, Handler::new(|_| async {})).await;

    assert_eq!(left(), "1 | running");
    assert!(log().contains("task can't be ended"), "{}", log());
}
