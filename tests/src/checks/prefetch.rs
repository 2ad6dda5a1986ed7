use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;
use rusqlite::Connection;

use super::common::{soon, stop, tasks_of};
use crate::sandbox::{Load, Sandbox};
use crate::{Event, Program};

const TASKS: u32 = 4_000;
const WORKERS: u32 = 5;

/// How many tasks have been begun at most whose ends aren't committed.
const TWICE: usize = 256;

/// While somebody else writes, nothing can be committed: the workers have other tasks to begin.
pub fn workers_do_not_wait_for_the_ends_of_short_tasks(sandbox: &Sandbox) -> Result<()> {
    let (engine, other) = held_up(sandbox)?;
    other.execute_batch("COMMIT")?;
    sandbox.until_nothing_is_left()?;
    stop(engine)?;
    each_has_succeeded_once(sandbox)
}

/// Those that were acquired ahead are begun by another engine; of those that had ended, few are.
pub fn a_kill_repeats_few_short_tasks(sandbox: &Sandbox) -> Result<()> {
    let (engine, other) = held_up(sandbox)?;
    engine.signal(Signal::SIGKILL)?;
    let killed = engine.finish()?.events();
    other.execute_batch("COMMIT")?;
    let second = sandbox.leased_engine_command("second", load(), "5s");
    let second = Program::start(second)?;
    sandbox.until_nothing_is_left()?;
    let others = stop(second)?.events();
    let begun = |events: &[Event]| -> BTreeSet<i64> {
        tasks_of(events, "task started").into_iter().collect()
    };
    let twice = begun(&killed).intersection(&begun(&others)).count();
    ensure!(
        (WORKERS as usize + 1..=TWICE).contains(&twice),
        "{twice} tasks were executed twice"
    );
    each_has_succeeded_once(sandbox)
}

/// An engine that can't commit, since somebody else writes, after it has acquired tasks ahead; it has
/// begun more of them than it has workers.
fn held_up(sandbox: &Sandbox) -> Result<(Program, Connection)> {
    let count = TASKS.to_string();
    let create = ["failing", r#"{"divisor": 1}"#, "--count", &count];
    sandbox.create(&create)?.success()?;
    let mut command = sandbox.leased_engine_command("first", load(), "5s");
    if !sandbox.is_before("prefetch") {
        // So long that a slow machine executes many meanwhile.
        command.args(["--ahead", "10s"]);
    }
    let mut engine = Program::start(command)?;
    let other = sandbox.database()?;
    // The usual one sleeps for longer and longer: the engine would be done before it has a turn.
    other.busy_handler(Some(|_| {
        sleep(Duration::from_micros(200));
        true
    }))?;
    let count = |status| -> Result<usize> {
        let count = "SELECT count(*) FROM tasks WHERE status = ?1";
        Ok(other
            .prepare_cached(count)?
            .query_one([status], |row| row.get(0))?)
    };
    other.execute_batch("BEGIN IMMEDIATE")?;
    let mut running = count("running")?;
    while running <= WORKERS as usize {
        let left = count("waiting")?;
        ensure!(
            left > 0,
            "{WORKERS} workers never have more than {WORKERS} tasks"
        );
        other.execute_batch("COMMIT; BEGIN IMMEDIATE")?;
        running = count("running")?;
    }
    ensure!(running <= TWICE, "{running} tasks are acquired");
    let ended = count("stopped")?;
    soon("more tasks are begun than there are workers", || {
        engine.stays_alive(Duration::from_millis(20))?;
        Ok(tasks_of(&engine.events(), "task started").len() > ended + WORKERS as usize)
    })?;
    Ok((engine, other))
}

fn load() -> Load {
    Load {
        waiting_time: 0.0,
        workers: Some(WORKERS),
    }
}

fn each_has_succeeded_once(sandbox: &Sandbox) -> Result<()> {
    let once = "SELECT count(*) FROM tasks WHERE status = 'stopped' AND 1 =
                (SELECT count(*) FROM task_executions
                 WHERE task_id = tasks.id AND task_executions.status = 'success')";
    let database = sandbox.database()?;
    let once: u32 = database.query_one(once, [], |row| row.get(0))?;
    ensure!(
        once == TASKS,
        "{once} tasks of {TASKS} have succeeded, and once"
    );
    Ok(())
}
