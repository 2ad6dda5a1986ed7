//! The changes of status that a program makes, seen by the database itself.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;
use rusqlite::Connection;

use crate::checks::soon;
use crate::program::DEADLINE;
use crate::{Load, Sandbox};

/// A change of status: `None` before a task is created, and after it is deleted.
pub type Transition = (Option<String>, Option<String>);

/// The kinds of tasks that fail, and the step where each appears: the last two are never retried.
const FAILING_KINDS: [(&str, &str); 3] = [
    ("failing", "errors"),
    ("failing_not_retry", "giving-up"),
    ("failing_not_retry_error", "giving-up"),
];

/// Triggers see what any process does, and the program needn't know that it is watched.
const WATCH: &str = "
    CREATE TABLE observed_transitions (task_id INTEGER NOT NULL, old TEXT, new TEXT) STRICT;
    CREATE TRIGGER observe_insert AFTER INSERT ON tasks BEGIN
        INSERT INTO observed_transitions VALUES (new.id, NULL, new.status);
    END;
    CREATE TRIGGER observe_update AFTER UPDATE OF status ON tasks WHEN old.status <> new.status BEGIN
        INSERT INTO observed_transitions VALUES (new.id, old.status, new.status);
    END;
    CREATE TRIGGER observe_delete AFTER DELETE ON tasks BEGIN
        INSERT INTO observed_transitions VALUES (old.id, old.status, NULL);
    END;";

/// How many tasks no worker has finished with yet.
const IN_HAND: &str = "
    SELECT count(*) FROM observed_transitions AS creation
    WHERE old IS NULL AND NOT EXISTS (
        SELECT * FROM observed_transitions AS execution
        WHERE execution.task_id = creation.task_id
        AND (execution.old = 'running' OR execution.new = 'cancelled')
    )";

const SEEN: &str = "
    SELECT old, new FROM observed_transitions GROUP BY old, new ORDER BY min(rowid)";

/// Makes the program execute every kind of task that it has, and returns the changes of status
/// that this has caused, each once, in the order of their first appearance.
///
/// # Errors
/// If the program has no database, fails, or doesn't come to an end with its tasks.
pub fn transitions(sandbox: &Sandbox) -> Result<Vec<Transition>> {
    sandbox.create_database()?;
    let database = sandbox.database()?;
    database.busy_timeout(DEADLINE)?;
    database.execute_batch(WATCH)?;
    let load = Load {
        workers: Some(1), // else the order would change from one run to the next
        ..Load::waiting(0.0)
    };
    sandbox.create_tasks(1, load)?;
    for (kind, since) in FAILING_KINDS {
        if !sandbox.is_before(since) {
            sandbox.create(&[kind])?.success()?;
        }
    }
    let cancel = !sandbox.is_before("cancel");
    if cancel {
        sandbox.create_tasks(1, load)?;
        cancel_last(sandbox, "waiting")?;
        sandbox.create_tasks(1, Load::waiting(3600.0))?;
    }
    let engine = sandbox.start_engine(load)?;
    if cancel {
        cancel_last(sandbox, "running")?;
    }
    wait_until_executed(&database)?;
    if !sandbox.is_before("notifications") {
        engine.signal(Signal::SIGTERM)?;
    }
    engine.finish()?.success()?;
    seen(&database)
}

/// Cancels the last task that was created, once it has this status.
fn cancel_last(sandbox: &Sandbox, status: &str) -> Result<()> {
    let last = "SELECT max(id) FROM tasks";
    let last: i64 = sandbox.database()?.query_one(last, [], |row| row.get(0))?;
    soon("it has this status", || {
        Ok(sandbox.ids(status)?.contains(&last))
    })?;
    sandbox.run(&["cancel", &last.to_string()])?.success()?;
    Ok(())
}

/// A task that has failed may be waiting again: that none waits would be too much to ask.
fn wait_until_executed(database: &Connection) -> Result<()> {
    let deadline = Instant::now() + DEADLINE;
    while database.query_one(IN_HAND, [], |row| row.get::<_, i64>(0))? > 0 {
        ensure!(Instant::now() < deadline, "some tasks are not executed");
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

fn seen(database: &Connection) -> Result<Vec<Transition>> {
    let mut seen = database.prepare(SEEN)?;
    let seen = seen.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(seen.collect::<rusqlite::Result<_>>()?)
}
