use std::fs;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::common::stop;
use crate::sandbox::{Load, Sandbox};

const TASKS: u32 = 20;

/// While somebody else writes, the ends of all these executions wait.
pub fn executions_that_end_together_are_committed_together(sandbox: &Sandbox) -> Result<()> {
    let load = Load {
        waiting_time: 1.0,
        workers: Some(TASKS),
    };
    let mut engine = sandbox.engine_with_tasks(TASKS, load)?;
    engine.wait_for("task is waiting", TASKS as usize)?;
    let other = sandbox.database()?;
    other.execute_batch("BEGIN IMMEDIATE")?;
    let before = commits(sandbox)?;
    sleep(Duration::from_secs(2));
    ensure!(
        sandbox.count("running")? == i64::from(TASKS),
        "a task has ended"
    );
    other.execute_batch("COMMIT")?;
    engine.wait_for("task finished", TASKS as usize)?;
    let after = commits(sandbox)?;
    stop(engine)?;
    let commits = after.checked_sub(before).context("the log began anew")?;
    ensure!(commits > 0, "the write-ahead log has no commit");
    // Besides: a sign of life, and what came too early or too late.
    ensure!(
        commits <= TASKS as usize / 2,
        "{TASKS} executions have ended in {commits} commits"
    );
    Ok(())
}

/// How many commits the write-ahead log has: the frame that ends each tells the size of the database.
/// <https://sqlite.org/fileformat2.html#the_write_ahead_log>
pub(super) fn commits(sandbox: &Sandbox) -> Result<usize> {
    const HEADER: usize = 32;
    const FRAME: usize = 24;
    let log = sandbox.database_path().with_extension("db-wal");
    let log = fs::read(log)?;
    let number = |at: usize| {
        log.get(at..at + 4).map(|bytes| {
            bytes
                .iter()
                .fold(0, |number, byte| number << 8 | usize::from(*byte))
        })
    };
    let page = number(8).context("the log has no header")?;
    let salt = log.get(16..24);
    let frames = (HEADER..log.len()).step_by(FRAME + page);
    // Behind the last one, there may be those of an earlier log.
    let frames = frames.take_while(|frame| log.get(frame + 8..frame + 16) == salt);
    Ok(frames.filter(|frame| number(frame + 4) > Some(0)).count())
}
