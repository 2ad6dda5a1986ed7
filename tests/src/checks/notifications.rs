use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use super::common::{says, stop, tasks_of};
use crate::Program;
use crate::sandbox::{Load, Sandbox};

pub fn idle_engine_starts_a_new_task(sandbox: &Sandbox) -> Result<()> {
    let mut engine = idle_engine(sandbox)?;
    for executed in 1..=3 {
        sandbox.create_tasks(1, Load::waiting(0.0))?;
        engine.wait_for("task finished", executed)?;
    }
    stop(engine)?;
    Ok(())
}

pub fn idle_engine_stops_on_sigterm(sandbox: &Sandbox) -> Result<()> {
    idle_engine_stops(sandbox, Signal::SIGTERM)
}

pub fn idle_engine_stops_on_sigint(sandbox: &Sandbox) -> Result<()> {
    idle_engine_stops(sandbox, Signal::SIGINT)
}

fn idle_engine_stops(sandbox: &Sandbox, signal: Signal) -> Result<()> {
    let mut engine = idle_engine(sandbox)?;
    // Once this task is executed, all workers are asleep, or about to be.
    sandbox.create_tasks(1, Load::waiting(0.0))?;
    engine.wait_for("task finished", 1)?;
    engine.signal(signal)?;
    let events = engine.finish()?.success()?.events();

    let stopped = events.iter().filter(|e| e.message == "worker stopped");
    ensure!(stopped.count() == 5, "not all workers were woken");
    Ok(())
}

pub fn rolled_back_creation_wakes_nobody(sandbox: &Sandbox) -> Result<()> {
    let mut engine = idle_engine(sandbox)?;
    let mut database = sandbox.database()?;
    let transaction = database.transaction()?;
    transaction.execute_batch(&insert(1, 0.0))?;
    transaction.rollback()?;
    sandbox.create_tasks(1, Load::waiting(0.0))?;
    engine.wait_for("task finished", 1)?;
    let events = stop(engine)?.events();

    let executed = tasks_of(&events, "task finished");
    ensure!(executed.len() == 1, "executed: {executed:?}");
    Ok(())
}

pub fn many_tasks_in_one_commit_use_all_workers(sandbox: &Sandbox) -> Result<()> {
    let mut engine = idle_engine(sandbox)?;
    sandbox.database()?.execute_batch(&insert(5, 1.0))?;
    engine.wait_for("task finished", 5)?;

    let events = engine.events();
    let workers: BTreeSet<_> = events
        .iter()
        .take_while(|event| event.message != "task finished")
        .filter(|event| event.message == "task started")
        .filter_map(|event| event.number("worker"))
        .collect();
    ensure!(
        workers.len() == 5,
        "before the end of the first task, only these workers had started one: {workers:?}"
    );
    stop(engine)?;
    Ok(())
}

pub fn no_wake_up_is_lost(sandbox: &Sandbox) -> Result<()> {
    let mut engine = idle_engine(sandbox)?;
    sandbox.create_tasks(200, Load::waiting(0.0))?;
    engine.wait_for("task finished", 200)?;
    stop(engine)?;
    Ok(())
}

/// What would be created in the file of that name would never be seen.
pub fn removed_database_ends_an_idle_engine(sandbox: &Sandbox) -> Result<()> {
    let engine = idle_engine(sandbox)?;
    for file in ["task_engine.db", "task_engine.db-wal", "task_engine.db-shm"] {
        // SQLite may have removed those that go with the database.
        let _ = fs::remove_file(sandbox.folder().join(file));
    }
    gone(engine)
}

/// A backup is put in its place, while the engine has nothing to do.
pub fn replaced_database_ends_an_idle_engine(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(1, Load::waiting(0.0))?;
    let backup = sandbox.folder().join("backup.db");
    sandbox
        .database()?
        .execute("VACUUM INTO ?1", [backup.to_str()])?;
    let mut engine = idle_engine(sandbox)?;
    engine.wait_for("task finished", 1)?;
    fs::rename(backup, sandbox.database_path())?;
    gone(engine)
}

fn gone(engine: Program) -> Result<()> {
    let ended = engine.finish()?.exited(1)?;
    says(
        &ended,
        &["error: ", "task_engine.db", "removed or replaced"],
    )
}

/// The database of an engine that has nothing to do may be busy with other things.
pub fn write_lock_of_another_program_delays_a_wake_up(sandbox: &Sandbox) -> Result<()> {
    let mut engine = idle_engine(sandbox)?;
    let other = sandbox.database()?;
    other.execute_batch("BEGIN IMMEDIATE")?;
    other.execute_batch(&insert(1, 0.0))?;
    engine.stays_alive(Duration::from_millis(300))?;
    other.execute_batch("COMMIT")?;
    engine.wait_for("task finished", 1)?;
    stop(engine)?;
    Ok(())
}

/// A row that can't be executed, or that nobody knows, is passed over, by those who sleep as well.
pub fn odd_rows_wake_nobody_in_vain(sandbox: &Sandbox) -> Result<()> {
    let mut engine = idle_engine(sandbox)?;
    sandbox.database()?.execute_batch(
        "INSERT INTO tasks (id, task_kind, task_parameters, created_at, updated_at) VALUES
             (-5, 'waiting', '{\"waiting_time\": 0}', -9223372036854775808, 9223372036854775807),
             (0, CAST(x'E9' AS TEXT), '{}', 0, 0),
             (7, 'waiting', '{\"waiting_time\": 0}', 0, 0)",
    )?;
    engine.wait_for("task finished", 2)?;
    let mut finished = tasks_of(&stop(engine)?.events(), "task finished");
    finished.sort_unstable();
    ensure!(finished == [-5, 7], "finished: {finished:?}");
    Ok(())
}

/// An engine that has found nothing to do, and hasn't ended for that.
fn idle_engine(sandbox: &Sandbox) -> Result<Program> {
    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("engine started", 1)?;
    // An engine that doesn't wait for tasks is not given the time to pass by chance.
    engine.stays_alive(Duration::from_millis(500))?;
    Ok(engine)
}

fn insert(count: u32, waiting_time: f64) -> String {
    format!(
        r#"WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT {count})
        INSERT INTO tasks (task_kind, task_parameters, created_at, updated_at)
        SELECT 'waiting', '{{"waiting_time": {waiting_time}}}', 0, 0 FROM numbers"#
    )
}
