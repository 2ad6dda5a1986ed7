//! Who works on the database.

use std::process;

use step50_command::{Ending, Execution, Handler, Next};

use crate::common::{
    acquire, connection, create_tasks, engine, engine_named, left, rows, store, until,
};
use crate::inspection::program;

const ENGINES: &str = "SELECT id, name, status, stopped_at >= started_at FROM engines";

fn waiting_for_ever() -> Handler {
    Handler::new(|_| std::future::pending::<()>())
}

#[tokio::test]
async fn each_start_has_a_number() {
    let store = store();
    for name in ["a", "b", "a"] {
        let engine = engine_named(name, 1, &store, waiting_for_ever());
        engine.start().await.unwrap().shutdown().await.unwrap();
    }

    assert_eq!(
        rows(ENGINES),
        "1 | a | stopped | 1\n2 | b | stopped | 1\n3 | a | stopped | 1"
    );
    let pids = rows("SELECT DISTINCT pid FROM engines");
    assert_eq!(pids, process::id().to_string());
}

#[tokio::test]
async fn running_tasks_carry_it() {
    let store = store();
    create_tasks(&store, 3).await;
    let other = engine(0, &store, waiting_for_ever()).start().await.unwrap();
    until(|| rows(ENGINES).contains("1 | test | alive | NULL")).await;
    let engine = engine(2, &store, waiting_for_ever()).start().await.unwrap();
    until(|| left().matches("running").count() == 2).await;

    let running = "SELECT id, engine_id FROM tasks";
    assert_eq!(rows(running), "1 | 2\n2 | 2\n3 | NULL");
    let engines = store.reader().list_engines(store.now(), 10).await.unwrap();
    let running: Vec<_> = engines.iter().map(|engine| &engine.running[..]).collect();
    assert_eq!(running, [&[1, 2][..], &[]]);
    drop((engine, other));
}

#[tokio::test]
async fn a_task_that_waits_again_is_nobody_s() {
    let store = store();
    create_tasks(&store, 1).await;
    let first = acquire(&store).await.unwrap();
    connection()
        .execute_batch("UPDATE tasks SET engine_id = 7")
        .unwrap();

    let retry = Next::RetryAt(store.now());
    let execution = Execution::of(first);
    let ended = store.end(&execution, Err("down".into()), retry).await;
    assert_eq!(ended.unwrap(), Ending::Ended);

    let engines = "SELECT status, engine_id FROM tasks";
    assert_eq!(rows(engines), "waiting | NULL");
}

#[tokio::test]
async fn they_are_listed_the_living_first() {
    store();
    let insert = "INSERT INTO engines (name, host, pid, version, status, started_at, stopped_at)
                  VALUES ('a', 'nas', 12, '1.0', 'alive', 1600000000000, NULL),
                         ('b', 'nas', 12, '1.0', 'stopped', 1600000000000, 1600000000001),
                         ('c\x1b[2J\n', 'box', -1, '1.0', 'stopped', 1600000000000, 1600000000001);
                  INSERT INTO tasks (task_kind, task_parameters, status, engine_id, created_at, updated_at)
                  VALUES ('test', '{}', 'running', 1, 0, 0), ('test', '{}', 'running', 1, 0, 0)";
    connection().execute_batch(insert).unwrap();

    insta::assert_snapshot!(program(&["engines"]));
    assert_eq!(program(&["engines", "--limit", "1"]).lines().count(), 1);
}
