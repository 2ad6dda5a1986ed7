//! One sees how far an engine has come.

use std::fs::File;
use std::io::Read;
use std::process::Command;

use nix::pty::{OpenptyResult, Winsize, openpty};
use serde_json::json;
use step53_progress::{Handler, NewTask, Registry};

use crate::common::{create_tasks, database, drain, engine, rows, store};
use crate::inspection::program;

#[tokio::test]
async fn an_engine_counts_what_it_has_executed() {
    let store = store();
    create_tasks(&store, 3).await;
    let fails_once = Handler::fallible(|context| async move {
        match context.task.id {
            2 => Err("down".into()),
            id => Ok(id),
        }
    });
    let engine = engine(2, &store, fails_once);
    let handle = engine.handle();
    assert_eq!(handle.executed(), 0);
    drain(engine).await.unwrap();
    assert_eq!(handle.executed(), 3);
}

#[tokio::test]
async fn what_is_due_is_counted_without_looking_at_the_rest() {
    let store = store();
    create_tasks(&store, 2).await;
    store
        .create(NewTask::new("other", json!({})))
        .await
        .unwrap();
    let later = NewTask::new("test", json!({})).at("2100-01-01T00:00:00Z".parse().unwrap());
    store.create(later).await.unwrap();
    let registry = Registry::default().with_handler("test", Handler::new(|_| async {}));
    assert_eq!(
        store
            .reader()
            .count_due(&registry, store.now())
            .await
            .unwrap(),
        2
    );
    store.pause_kind("test").await.unwrap();
    let due = store.reader().count_due(&registry, store.now()).await;
    assert_eq!(due.unwrap(), 0);
    let count = "SELECT count(*) FROM tasks
                 WHERE status = 'waiting' AND task_kind = 'test' AND held IN (0, 1)
                 AND priority IN ('high', 'normal', 'low') AND scheduled_at <= 0";
    let plan = rows(&format!("EXPLAIN QUERY PLAN {count}"));
    let search = "USING COVERING INDEX waiting_tasks \
                  (task_kind=? AND held=? AND priority=? AND scheduled_at<?)";
    assert!(plan.ends_with(search), "{plan}");
}

/// What an engine writes on its standard error, which is a terminal, until nothing is due.
fn in_terminal() -> String {
    let size = Winsize {
        ws_row: 24,
        ws_col: 100,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let OpenptyResult { master, slave } = openpty(&size, None).unwrap();
    let mut engine = Command::new(env!("CARGO_BIN_EXE_step53-progress"))
        .args(["start", "--until-empty", "--instance", "test"])
        .env("TASK_ENGINE_DATABASE", database())
        .env("TERM", "xterm")
        .stderr(slave)
        .spawn()
        .unwrap();
    let mut written = Vec::new();
    // The other end is closed: on Linux this is an error.
    let _ = File::from(master).read_to_end(&mut written);
    assert!(engine.wait().unwrap().success());
    String::from_utf8(written).unwrap()
}

#[test]
fn the_last_line_of_a_terminal_shows_it() {
    program(&[
        "create",
        "waiting",
        r#"{"waiting_time": 0}"#,
        "--count",
        "3",
    ]);
    let written = in_terminal();
    assert!(written.contains("3 of 3 executed"), "{written}");
    assert_eq!(written.matches(" task finished ").count(), 3, "{written}");

    program(&["create", "waiting", r#"{"waiting_time": 0}"#]);
    let log = program(&["start", "--until-empty", "--instance", "test"]);
    assert!(!log.contains(" executed"), "{log}");
    assert!(!log.contains('\u{1b}'), "{log}");
}
