use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use rusqlite::Connection;

use super::common::{executed_exactly, tasks_of};
use crate::Program;
use crate::sandbox::{Load, Sandbox};

/// What another program does may take its time: longer than the five seconds for which many a
/// library waits before it gives up.
pub fn write_lock_of_another_program_only_delays(sandbox: &Sandbox) -> Result<()> {
    let mut engine = sandbox.engine_with_tasks(10, Load::waiting(0.1))?;
    engine.wait_for("task is waiting", 5)?;
    let other = sandbox.database()?;
    other.execute_batch("BEGIN IMMEDIATE")?;
    let create = Program::start(sandbox.create_tasks_command(1, Load::waiting(0.0)))?;
    sleep(Duration::from_secs(6));
    other.execute_batch("COMMIT")?;

    create.finish()?.success()?;
    let events = sandbox.drain(engine)?.success()?.events();
    // The engine that ends when nothing is left may not have seen the last one.
    let finished = tasks_of(&events, "task finished").len();
    ensure!((10..=11).contains(&finished), "{finished} tasks are ended");
    ensure!(sandbox.count("running")? == 0, "tasks are left running");
    Ok(())
}

/// A backup, a report: they see the database as it was when they began.
pub fn reader_holds_up_nobody(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(5, Load::waiting(0.0))?;
    let reader = sandbox.database()?;
    reader.execute_batch("BEGIN")?;
    let seen = |status: &str| -> Result<i64> {
        let count = "SELECT count(*) FROM tasks WHERE status = ?1";
        Ok(reader.query_one(count, [status], |row| row.get(0))?)
    };
    ensure!(seen("waiting")? == 5, "the tasks aren't there");

    sandbox.create_tasks(5, Load::waiting(0.0))?;
    let engine = sandbox.start_engine(Load::waiting(0.0))?;
    let events = sandbox.drain(engine)?.success()?.events();
    executed_exactly(&[events], 1..=10)?;
    ensure!(seen("waiting")? == 5, "the reader sees what came later");
    Ok(())
}

/// None of them may find half of what another one makes.
pub fn new_database_opened_by_eight_programs_at_once(sandbox: &Sandbox) -> Result<()> {
    // They all wait for this one.
    let other = Connection::open(sandbox.database_path())?;
    other.execute_batch("BEGIN IMMEDIATE")?;
    let creations: Vec<Program> = (0..8)
        .map(|_| Program::start(sandbox.create_tasks_command(1, Load::waiting(0.0))))
        .collect::<Result<_>>()?;
    sleep(Duration::from_millis(200));
    other.execute_batch("ROLLBACK")?;
    for creation in creations {
        creation.finish()?.success()?;
    }
    let waiting = sandbox.ids("waiting")?;
    ensure!(waiting.iter().copied().eq(1..=8), "created: {waiting:?}");
    Ok(())
}

/// One that asks more often, or sleeps less, doesn't take it all. They may not begin together, on a
/// machine that has much else to do: others are tried.
pub fn each_process_gets_its_share(sandbox: &Sandbox) -> Result<()> {
    let mut shares = Vec::new();
    for _ in 0..5 {
        shares = shares_of_two_engines(sandbox, 200)?;
        if shares.iter().all(|share| *share >= 20) {
            return Ok(());
        }
    }
    bail!("of 200 tasks, two processes had {shares:?}");
}

fn shares_of_two_engines(sandbox: &Sandbox, tasks: u32) -> Result<Vec<usize>> {
    sandbox.create_tasks(tasks, Load::waiting(0.0))?;
    let one_worker = Load {
        workers: Some(1),
        ..Load::waiting(0.0)
    };
    // Until both are there.
    let other = sandbox.database()?;
    other.execute_batch("BEGIN IMMEDIATE")?;
    let engines = [
        sandbox.start_engine(one_worker)?,
        sandbox.start_engine(one_worker)?,
    ];
    sleep(Duration::from_millis(200));
    other.execute_batch("ROLLBACK")?;
    let shares = engines.map(|engine| {
        let events = sandbox.drain(engine)?.success()?.events();
        Ok(tasks_of(&events, "task finished").len())
    });
    shares.into_iter().collect()
}
