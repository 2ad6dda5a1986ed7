use std::fs;
use std::process::Command;

use anyhow::{Result, ensure};

use super::common::{nothing_left, says, tasks_of};
use super::parameters::UNREADABLE;
use crate::program::in_shell;
use crate::sandbox::{Load, Sandbox};
use crate::{Finished, Program};

pub fn until_empty_ends(sandbox: &Sandbox) -> Result<()> {
    until_empty(sandbox)?.success()?;
    sandbox.create_tasks(20, Load::waiting(0.1))?;
    let far_away = ["waiting", r#"{"waiting_time": 0}"#, "--in", "1h"];
    sandbox.create(&far_away)?.success()?;

    let events = until_empty(sandbox)?.success()?.events();

    let finished = tasks_of(&events, "task finished").len();
    ensure!(finished == 20, "{finished} tasks were executed");
    let stopped = events.iter().any(|e| e.message == "engine stopped");
    ensure!(stopped, "the engine didn't stop as it should");
    ensure!(sandbox.ids("waiting")? == [21], "the future task is gone");
    ensure!(sandbox.count("running")? == 0, "tasks are left running");
    Ok(())
}

/// What can't be executed isn't waited for.
pub fn until_empty_ends_beside_odd_rows(sandbox: &Sandbox) -> Result<()> {
    let unreadable = UNREADABLE.len();
    sandbox.create_tasks(u32::try_from(unreadable)? + 3, Load::waiting(0.0))?;
    for (parameters, id) in UNREADABLE.iter().zip(1..) {
        let update = format!("UPDATE tasks SET task_parameters = {parameters} WHERE id = {id}");
        sandbox.database()?.execute_batch(&update)?;
    }
    let unknown = unreadable + 1;
    sandbox.database()?.execute_batch(&format!(
        "UPDATE tasks SET task_kind = CAST(x'E9' AS TEXT) WHERE id = {unknown};
         UPDATE tasks SET task_kind = 'other' WHERE id = {};",
        unknown + 1
    ))?;
    let events = until_empty(sandbox)?.success()?.events();
    let failed = tasks_of(&events, "task failed").len();
    ensure!(failed == unreadable, "{failed} tasks have failed");
    let finished = tasks_of(&events, "task finished").len();
    ensure!(finished == 1, "{finished} tasks are finished");
    Ok(())
}

/// Neither the log nor the end of the engine waits for somebody who reads.
pub fn until_empty_ends_without_a_log(sandbox: &Sandbox) -> Result<()> {
    for script in [r#"exec "$@" 2>/dev/full"#, r#"exec "$@" 2> >(true)"#] {
        sandbox.create_tasks(10, Load::waiting(0.0))?;
        let command = in_shell(script, &until_empty_command(sandbox));
        Program::start(command)?.finish()?.success()?;
        nothing_left(sandbox)?;
    }
    Ok(())
}

/// An engine that fails has ended, too.
pub fn until_empty_ends_when_the_database_is_gone(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(1, Load::waiting(1.0))?;
    let mut engine = Program::start(until_empty_command(sandbox))?;
    engine.wait_for("task is waiting", 1)?;
    for file in ["task_engine.db", "task_engine.db-wal", "task_engine.db-shm"] {
        fs::remove_file(sandbox.folder().join(file))?;
    }
    says(&engine.finish()?.exited(1)?, &["error: ", "removed"])
}

fn until_empty(sandbox: &Sandbox) -> Result<Finished> {
    Program::start(until_empty_command(sandbox))?.finish()
}

fn until_empty_command(sandbox: &Sandbox) -> Command {
    let mut command = sandbox.engine_command(Load::waiting(0.0));
    command.arg("--until-empty");
    command
}
