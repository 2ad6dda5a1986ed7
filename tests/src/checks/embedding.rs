use anyhow::{Result, ensure};

use super::common::tasks_of;
use crate::sandbox::{Load, Sandbox};
use crate::{Finished, Program};

pub fn until_empty_ends(sandbox: &Sandbox) -> Result<()> {
    let drain = || -> Result<Finished> {
        let mut command = sandbox.engine_command(Load::waiting(0.0));
        command.arg("--until-empty");
        Program::start(command)?.finish()?.success()
    };
    drain()?;
    sandbox.create_tasks(20, Load::waiting(0.1))?;
    let far_away = ["waiting", r#"{"waiting_time": 0}"#, "--in", "1h"];
    sandbox.create(&far_away)?.success()?;

    let events = drain()?.events();

    let finished = tasks_of(&events, "task finished").len();
    ensure!(finished == 20, "{finished} tasks were executed");
    let stopped = events.iter().any(|e| e.message == "engine stopped");
    ensure!(stopped, "the engine didn't stop as it should");
    ensure!(sandbox.ids("waiting")? == [21], "the future task is gone");
    ensure!(sandbox.count("running")? == 0, "tasks are left running");
    Ok(())
}
