use anyhow::{Result, ensure};

use super::common::{executed_exactly, says, soon, sound, stop};
use super::recovery::{kill, start};
use crate::Event;
use crate::sandbox::{Load, Sandbox};

/// Asks for this, from the step on where one can: until then, a key limits nothing.
fn limit_keys(sandbox: &Sandbox, max_running: &str) -> Result<()> {
    if !sandbox.is_before("keys") {
        let ask = ["limit", "waiting", max_running, "--per-key"];
        sandbox.run(&ask)?.success()?;
    }
    Ok(())
}

/// Creates so many tasks of this key.
fn create(sandbox: &Sandbox, key: &str, count: i64, waiting_time: f64) -> Result<()> {
    let (count, parameters) = (
        count.to_string(),
        format!(r#"{{"waiting_time": {waiting_time}}}"#),
    );
    let mut command = vec!["waiting", &parameters, "--count", &count];
    if !sandbox.is_before("keys") {
        command.extend(["--concurrency-key", key]);
    }
    sandbox.create(&command)?.success()?;
    Ok(())
}

fn load(workers: u32) -> Load {
    Load {
        workers: Some(workers),
        ..Load::waiting(0.02)
    }
}

/// The database says when each execution has started, and when it has ended. The keys follow each other,
/// and have so many tasks each.
fn no_more_at_once(sandbox: &Sandbox, tasks_of_key: i64, limit: i64) -> Result<()> {
    let most = "WITH limited (key, begun_at, ended_at) AS (
                    SELECT (task_id - 1) / ?1, started_at, stopped_at FROM task_executions
                ),
                changes (key, at, change) AS (
                    SELECT key, begun_at, 1 FROM limited
                    UNION ALL SELECT key, ended_at, -1 FROM limited WHERE ended_at NOT NULL
                )
                SELECT max(running) FROM (
                    SELECT sum(change) OVER (PARTITION BY key ORDER BY at, change) AS running
                    FROM changes
                )";
    let database = sandbox.database()?;
    let most: i64 = database.query_one(most, [tasks_of_key], |row| row.get(0))?;
    ensure!(
        most <= limit,
        "{most} of a key ran at once, and {limit} may"
    );
    Ok(())
}

/// Four engines, twelve workers, five keys.
pub fn key_limit_holds_everywhere(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_database()?;
    limit_keys(sandbox, "2")?;
    for key in ["a", "b", "c", "d", "e"] {
        create(sandbox, key, 20, 0.02)?;
    }
    let engines = ["first", "second", "third", "fourth"];
    let engines = engines.map(|name| sandbox.start_engine_named(name, load(3)));
    let engines = engines.into_iter().collect::<Result<Vec<_>>>()?;
    sandbox.until_nothing_is_left()?;
    let logs = engines.into_iter().map(|engine| Ok(stop(engine)?.events()));
    let logs = logs.collect::<Result<Vec<Vec<Event>>>>()?;
    executed_exactly(&logs, 1..=100)?;
    no_more_at_once(sandbox, 20, 2)
}

/// Four engines, two of which are killed with all that they run.
pub fn key_limit_survives_kills(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_database()?;
    limit_keys(sandbox, "1")?;
    for key in ["a", "b", "c", "d", "e"] {
        create(sandbox, key, 12, 0.1)?;
    }
    let killed = ["first", "second"].map(|name| start(sandbox, name, load(3), 1));
    let others = ["third", "fourth"].map(|name| start(sandbox, name, load(3), 0));
    for engine in killed {
        let mut engine = engine?;
        engine.wait_for("task finished", 1)?;
        kill(engine)?;
    }
    sandbox.until_nothing_is_left()?;
    for engine in others {
        stop(engine?)?;
    }
    let ended = sandbox.count("stopped")?;
    ensure!(ended == 60, "{ended} of 60 tasks have been executed");
    no_more_at_once(sandbox, 12, 1)?;
    sound(sandbox)
}

/// Two workers, and many old tasks of a key of which one runs for long.
pub fn full_key_holds_up_no_other(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_database()?;
    limit_keys(sandbox, "1")?;
    create(sandbox, "a", 500, 3600.0)?;
    create(sandbox, "b", 2, 0.0)?;
    let engine = sandbox.start_engine(load(2))?;
    soon("the tasks of the other key executed", || {
        Ok(sandbox.count("stopped")? == 2)
    })?;
    let running = sandbox.ids("running")?;
    ensure!(running == [1], "of the first key, {running:?} run");
    kill(engine)
}

/// One worker, and many old tasks of a key.
pub fn keys_have_turns(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_database()?;
    limit_keys(sandbox, "1")?;
    create(sandbox, "a", 100, 0.005)?;
    create(sandbox, "b", 3, 0.005)?;
    let engine = sandbox.start_engine(load(1))?;
    sandbox.until_nothing_is_left()?;
    stop(engine)?;
    let last = "SELECT max(turn) FROM (SELECT task_id, row_number() OVER (ORDER BY id) AS turn
                FROM task_executions) WHERE task_id > 100";
    let last: i64 = sandbox.database()?.query_one(last, [], |row| row.get(0))?;
    ensure!(last <= 8, "the last task of the other key is number {last}");
    Ok(())
}

/// Each has a task that runs elsewhere, and one that waits for its end; then some of them have room.
pub fn ten_thousand_keys(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_database()?;
    limit_keys(sandbox, "1")?;
    let insert =
        "INSERT INTO tasks (task_kind, task_parameters, created_at, updated_at, status, key)
                  WITH numbers (n) AS (
                      VALUES (0) UNION ALL SELECT n + 1 FROM numbers WHERE n < 19999
                  )
                  SELECT 'waiting', '{\"waiting_time\": 0}', 0, 0,
                  iif(n % 2 = 0, 'running', 'waiting'), n / 2 FROM numbers";
    let before = sandbox.is_before("keys");
    let key = ["concurrency_key", "instance"][usize::from(before)];
    let database = sandbox.database()?;
    database.execute_batch(&insert.replace("key)", &format!("{key})")))?;
    create(sandbox, "another", 1, 0.0)?;

    let engine = sandbox.start_engine(load(4))?;
    let executed = |expected| {
        soon("those that may start executed", || {
            let executed = sandbox.count("stopped")?;
            ensure!(
                executed <= expected,
                "{executed} executed, {expected} may be"
            );
            Ok(executed == expected)
        })
    };
    executed(1)?;
    let room = "UPDATE tasks SET status = 'failed' WHERE status = 'running' AND id <= 200";
    database.execute_batch(room)?;
    executed(101)?;
    let last = "SELECT max(task_id) FROM task_executions WHERE task_id <= 20000";
    let last: i64 = database.query_one(last, [], |row| row.get(0))?;
    ensure!(
        last == 200,
        "task {last} has been executed, and its key is full"
    );
    stop(engine)?;
    Ok(())
}

pub fn key_limits_are_listed(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_database()?;
    let limit = ["limit", "waiting", "2", "--per-key"];
    let asked = sandbox.run(&limit)?.success()?;
    says(
        &asked,
        &["waiting is limited: 2 may run at once for each key"],
    )?;
    let again = sandbox.run(&limit)?.success()?;
    says(&again, &["waiting was limited so already"])?;
    let listed = sandbox.run(&["kinds"])?.success()?;
    says(&listed, &["at most 2 running per key"])?;
    let key = [
        "waiting",
        r#"{"waiting_time": 0}"#,
        "--concurrency-key",
        "tenant-42",
    ];
    sandbox.create(&key)?.success()?;
    says(&sandbox.show("1")?.success()?, &["tenant-42"])?;
    let unlimit = ["unlimit", "waiting", "--per-key"];
    let asked = sandbox.run(&unlimit)?.success()?;
    says(&asked, &["waiting isn't limited any more"])?;
    let again = sandbox.run(&unlimit)?.success()?;
    says(&again, &["waiting wasn't limited"])
}
