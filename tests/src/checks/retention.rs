use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::common::{numbers, says, soon, sound, stop};
use super::errors::ONE_WORKER;
use super::recovery::kill;
use crate::sandbox::{Load, Sandbox};
use crate::{Finished, Program};

/// Runs this command, from the step on where there is one: until then, nothing is ever deleted.
fn prune(sandbox: &Sandbox, arguments: &[&str]) -> Result<Option<Finished>> {
    if sandbox.is_before("retention") {
        return Ok(None);
    }
    let pruned = sandbox.run(&[&["prune", "--older-than"], arguments].concat())?;
    pruned.success().map(Some)
}

/// Starts an engine that keeps what has ended for so long, from the step on where one may.
fn engine(sandbox: &Sandbox, options: &[&str]) -> Result<Program> {
    let mut command = sandbox.engine_command(ONE_WORKER);
    if !sandbox.is_before("retention") {
        command.args(options);
    }
    let mut engine = Program::start(command)?;
    engine.wait_for("engine started", 1)?;
    Ok(engine)
}

/// So many tasks that have ended, an hour ago, with an execution each.
pub fn ended(sandbox: &Sandbox, status: &str, count: u32) -> Result<()> {
    if !sandbox.database_path().exists() {
        sandbox.create_database()?;
    }
    let insert = format!(
        "BEGIN;
         WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {count})
         INSERT INTO tasks (status, task_kind, task_parameters, created_at, updated_at)
         SELECT '{status}', 'waiting', '{{\"waiting_time\": 0}}', now, now
         FROM n, (SELECT (unixepoch() - 3600) * 1000 AS now);
         INSERT INTO task_executions (task_id, started_at, stopped_at, status, created_at, updated_at)
         SELECT id, created_at, created_at, 'success', created_at, created_at FROM tasks
         WHERE id > coalesce((SELECT max(task_id) FROM task_executions), 0);
         COMMIT"
    );
    Ok(sandbox.database()?.execute_batch(&insert)?)
}

/// How many executions there are, and how many of them belong to no task.
fn executions(sandbox: &Sandbox) -> Result<(i64, i64)> {
    let count = "SELECT count(*), count(*) FILTER (WHERE task_id NOT IN (SELECT id FROM tasks))
                 FROM task_executions";
    let database = sandbox.database()?;
    Ok(database.query_one(count, [], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

fn left(sandbox: &Sandbox, expected: [i64; 3]) -> Result<()> {
    let mut found = [0; 3];
    for (found, status) in found.iter_mut().zip(["stopped", "failed", "cancelled"]) {
        *found = sandbox.count(status)?;
    }
    ensure!(
        found == expected,
        "left stopped, failed and cancelled: {found:?}, not {expected:?}"
    );
    Ok(())
}

/// With their executions; nothing else.
pub fn old_tasks_are_deleted_by_hand(sandbox: &Sandbox) -> Result<()> {
    for status in ["stopped", "failed", "cancelled", "waiting"] {
        ended(sandbox, status, 3)?;
    }
    prune(sandbox, &["2h"])?;
    left(sandbox, [3, 3, 3])?;
    prune(sandbox, &["30m", "--status", "stopped"])?;
    left(sandbox, [0, 3, 3])?;
    prune(sandbox, &["30m"])?;
    left(sandbox, [0; 3])?;
    ensure!(sandbox.count("waiting")? == 3, "others are deleted too");
    ensure!(executions(sandbox)? == (3, 0), "executions are left");
    Ok(())
}

pub fn dry_run_counts_and_changes_nothing(sandbox: &Sandbox) -> Result<()> {
    ended(sandbox, "stopped", 3)?;
    ended(sandbox, "failed", 2)?;
    let Some(told) = prune(sandbox, &["30m", "--dry-run"])? else {
        ensure!(sandbox.count("stopped")? == 0, "they are there for ever");
        return Ok(());
    };
    ensure!(numbers(&told) == [3, 2, 0], "it says:\n{}", told.text());
    left(sandbox, [3, 2, 0])?;
    let told = prune(sandbox, &["30m"])?.map(|told| numbers(&told));
    ensure!(told == Some(vec![3, 2, 0]), "it says {told:?}");
    left(sandbox, [0; 3])
}

/// Each task is executed, and gone some seconds later; what has failed isn't.
pub fn engine_deletes_what_it_has_kept_for_long_enough(sandbox: &Sandbox) -> Result<()> {
    sandbox.create(&["failing_not_retry"])?.success()?;
    sandbox.create_tasks(50, Load::waiting(0.0))?;
    let mut engine = engine(sandbox, &["--keep", "0s", "--keep-failed", "1h"])?;
    engine.wait_for("task finished", 50)?;
    soon("those that are executed are deleted", || {
        Ok(sandbox.count("stopped")? == 0)
    })?;
    stop(engine)?;
    left(sandbox, [0, 1, 0])?;
    ensure!(executions(sandbox)? == (1, 0), "executions are left");
    Ok(())
}

/// The clock is new to the engine: nothing says that it is right.
pub fn clock_that_nobody_has_watched_deletes_nothing(sandbox: &Sandbox) -> Result<()> {
    ended(sandbox, "stopped", 3)?;
    let mut engine = engine(sandbox, &["--keep", "30m"])?;
    ended(sandbox, "waiting", 1)?;
    engine.wait_for("task finished", 1)?;
    let log = stop(engine)?;
    left(sandbox, [4, 0, 0])?;
    says(
        &log,
        &["the clock is new, or was set: kept as if ended then"],
    )?;
    prune(sandbox, &["30m"])?;
    left(sandbox, [1, 0, 0])
}

/// Nothing is left of those that are gone, all is there of those that aren't; and it goes on.
pub fn killed_in_the_middle_it_goes_on(sandbox: &Sandbox) -> Result<()> {
    const COUNT: u32 = 8_000;
    ended(sandbox, "stopped", COUNT)?;
    let whole = i64::from(COUNT);
    if !sandbox.is_before("retention") {
        let pruning = Program::start(sandbox.command(&["prune", "--older-than", "30m"]))?;
        soon("some are deleted", || Ok(sandbox.count("stopped")? < whole))?;
        kill(pruning)?;
    }
    let some = sandbox.count("stopped")?;
    ensure!(some < whole, "none of them is deleted");
    ensure!(some > 0, "it is done before it is killed");
    ensure!(executions(sandbox)? == (some, 0), "executions are left");
    sound(sandbox)?;
    prune(sandbox, &["30m"])?;
    left(sandbox, [0; 3])?;
    ensure!(executions(sandbox)? == (0, 0), "executions are left");
    sound(sandbox)
}

/// Another program has the lock for a moment, again and again, while many tasks are deleted.
pub fn others_have_their_turns_meanwhile(sandbox: &Sandbox) -> Result<()> {
    const COUNT: u32 = 4_000;
    ended(sandbox, "stopped", COUNT)?;
    let mut pruning = if sandbox.is_before("retention") {
        None
    } else {
        let prune = sandbox.command(&["prune", "--older-than", "30m"]);
        Some(Program::start(prune)?)
    };
    let other = sandbox.database()?;
    other.busy_timeout(Duration::from_secs(10))?;
    let mut turns = 0;
    soon("they are deleted", || {
        other.execute_batch("BEGIN IMMEDIATE; COMMIT")?;
        turns += 1;
        sleep(Duration::from_millis(10));
        Ok(sandbox.count("stopped")? == 0)
    })?;
    ensure!(turns > 3, "it had only {turns} turns meanwhile");
    if let Some(pruning) = pruning.take() {
        pruning.finish()?.success()?;
    }
    Ok(())
}

pub fn task_that_the_application_needs_is_left(sandbox: &Sandbox) -> Result<()> {
    ended(sandbox, "stopped", 300)?;
    sandbox.database()?.execute_batch(
        "CREATE TABLE invoices (task INTEGER REFERENCES tasks ON DELETE RESTRICT);
         CREATE INDEX invoices_of_tasks ON invoices (task);
         INSERT INTO invoices VALUES (7), (8), (300)",
    )?;
    let told = prune(sandbox, &["30m"])?;
    let left = sandbox.ids("stopped")?;
    ensure!(left == [7, 8, 300], "{} are left", left.len());
    told.map_or(Ok(()), |told| says(&told, &["task can't be deleted"]))
}

pub fn child_of_a_task_that_is_gone_is_found(sandbox: &Sandbox) -> Result<()> {
    ended(sandbox, "stopped", 1)?;
    sandbox.database()?.execute_batch(
        r#"INSERT INTO tasks (task_kind, task_parameters, created_at, updated_at, context)
           VALUES ('waiting', '{}', 0, 0, '{"parent":1,"correlation":"1"}')"#,
    )?;
    prune(sandbox, &["30m"])?;
    sandbox.show("1")?.exited(1)?;
    for what in ["1", "2"] {
        let traced = sandbox.run(&["trace", what])?.success()?;
        says(&traced, &["waiting"])?;
        ensure!(traced.lines.len() == 2, "{}", traced.text());
    }
    says(&sandbox.show("2")?.success()?, &["parent"])?;
    let created = sandbox.create(&["waiting", r#"{"waiting_time": 0}"#])?;
    created.success()?;
    ensure!(
        sandbox.ids("waiting")? == [2, 3],
        "its number is given again"
    );
    Ok(())
}
