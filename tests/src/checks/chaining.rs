use anyhow::{Result, ensure};

use super::common::stop;
use super::throughput::commits;
use crate::sandbox::{Load, Sandbox};

const TASKS: u32 = 20;

/// One commit a task, where its end and the beginning of the next one had one each.
pub fn tasks_end_and_begin_in_one_commit(sandbox: &Sandbox) -> Result<()> {
    let load = Load {
        waiting_time: 0.0,
        workers: Some(1),
    };
    sandbox.create_tasks(TASKS, load)?;
    // As long as somebody reads, the log isn't begun anew.
    let reader = sandbox.database()?;
    reader.execute_batch("BEGIN; SELECT count(*) FROM tasks")?;
    let mut engine = sandbox.start_engine(load)?;
    engine.wait_for("task finished", TASKS as usize)?;
    let commits = commits(sandbox)?;
    stop(engine)?;
    // Besides: the first task's beginning, the engine's own, a sign of life.
    let most = TASKS as usize * 3 / 2;
    ensure!(
        (TASKS as usize..=most).contains(&commits),
        "one worker has executed {TASKS} tasks in {commits} commits"
    );
    Ok(())
}
