use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use super::common::{executions, nothing_left, tasks_of};
use crate::Program;
use crate::sandbox::{Load, Sandbox};

/// Some listen, one doesn't, one keeps its thread busy, and the short ones never end: the engine
/// stops, nothing is left running, nothing is lost, and nothing is counted against a task.
pub fn stop_with_grace_under_load_leaves_nothing_running(sandbox: &Sandbox) -> Result<()> {
    for more in ["", r#", "deaf": true"#, r#", "busy": true"#, ""] {
        let parameters = format!(r#"{{"waiting_time": 3600{more}}}"#);
        sandbox.create(&["waiting", &parameters])?.success()?;
    }
    sandbox.create_tasks(2000, Load::waiting(0.01))?;
    let load = Load {
        workers: Some(8),
        ..Load::waiting(0.0)
    };
    let mut command = sandbox.engine_command(load);
    command.args(["--grace", "300ms"]);
    let mut engine = Program::start(command)?;
    engine.wait_for("task finished", 20)?;
    engine.signal(Signal::SIGTERM)?;
    let finished = engine.finish().context("it doesn't stop")?.success()?;

    let ended = tasks_of(&finished.events(), "task finished");
    ensure!(
        sandbox.ids("stopped")?.len() == ended.len(),
        "not all ends are kept"
    );
    ensure!(sandbox.count("running")? == 0, "tasks are left running");
    let left = sandbox.count("waiting")?;
    ensure!(
        left + i64::try_from(ended.len())? == 2004,
        "tasks are lost: {left} wait"
    );
    let mut put_back = tasks_of(&finished.events(), "task put back");
    put_back.retain(|&task| task <= 4);
    put_back.sort_unstable();
    ensure!(put_back == [1, 2, 3, 4], "put back: {put_back:?}");
    for task in put_back {
        let executions = executions(sandbox, task)?;
        let reason = executions.iter().map(|one| one.error["type"].as_str());
        ensure!(
            reason.eq([Some("stop")]),
            "task {task} has failed otherwise"
        );
    }
    let counted = "SELECT count(*) FROM tasks WHERE context ->> 'retry_number' NOT NULL
                   OR context ->> 'crash_number' NOT NULL";
    let counted: i64 = sandbox
        .database()?
        .query_one(counted, [], |row| row.get(0))?;
    ensure!(counted == 0, "{counted} tasks have it counted against them");

    let short = r#"UPDATE tasks SET task_parameters = '{"waiting_time": 0}'"#;
    sandbox.database()?.execute_batch(short)?;
    let engine = sandbox.start_engine(load)?;
    sandbox.until_nothing_is_left()?;
    sandbox.drain(engine)?.success()?;
    nothing_left(sandbox)
}
