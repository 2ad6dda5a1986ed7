use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use super::common::{numbers, outcomes, stop, tasks_of};
use crate::sandbox::{Load, Sandbox};

/// The exit status of a command that wants to be confirmed.
const NOT_CONFIRMED: i32 = 4;

pub fn retry_puts_a_failed_task_back(sandbox: &Sandbox) -> Result<()> {
    sandbox.create(&["failing_not_retry"])?.success()?;
    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("task failed", 1)?;
    // What made it fail is mended.
    sandbox
        .database()?
        .execute_batch(r#"UPDATE tasks SET task_parameters = '{"divisor": 8}'"#)?;

    let text = sandbox.run(&["retry", "1"])?.success()?.text();
    ensure!(text.contains('1'), "it doesn't say which task: {text}");
    engine.wait_for("task finished", 1)?;
    stop(engine)?;

    ensure!(sandbox.ids("stopped")? == [1], "the task hasn't succeeded");
    let statuses = outcomes(sandbox, 1)?;
    ensure!(statuses == ["failure", "success"], "{statuses:?}");
    let text = sandbox.run(&["retry", "17"])?.exited(1)?.text();
    ensure!(text.contains("17"), "it doesn't say which task: {text}");
    Ok(())
}

pub fn stranded_tasks_are_put_back(sandbox: &Sandbox) -> Result<()> {
    // The tasks that a killed engine leaves behind wait for long, and must not when they are put
    // back; the last one is none of them.
    sandbox.create_tasks(6, Load::waiting(3600.0))?;
    let mut engine = sandbox.start_engine_named("killed", Load::waiting(3600.0))?;
    engine.wait_for("task is waiting", 5)?;
    engine.signal(Signal::SIGKILL)?;
    let mut stranded = tasks_of(&engine.finish()?.events(), "task is waiting");
    stranded.sort_unstable();
    sandbox
        .database()?
        .execute_batch(r#"UPDATE tasks SET task_parameters = '{"waiting_time": 0}'"#)?;

    // Nobody is at a terminal here.
    let retry = ["retry", "--stranded", "killed"];
    let text = sandbox.run(&retry)?.exited(NOT_CONFIRMED)?.text();
    ensure!(text.contains("--yes"), "it doesn't say what to do: {text}");
    ensure!(sandbox.ids("running")? == stranded, "tasks were put back");

    let put_back = sandbox.run(&[&retry[..], &["--yes"]].concat())?.success()?;
    let named = numbers(&put_back);
    ensure!(
        stranded.iter().all(|task| named.contains(task)),
        "it doesn't name the tasks {stranded:?}: {}",
        put_back.text()
    );
    ensure!(sandbox.count("running")? == 0, "tasks are left running");
    for task in &stranded {
        let statuses = outcomes(sandbox, *task)?;
        ensure!(statuses == ["failure"], "task {task}: {statuses:?}");
    }
    // Nothing is left under its name.
    let engine = sandbox.start_engine_named("killed", Load::waiting(0.0))?;
    sandbox.drain(engine)?.success()?;
    let stopped = sandbox.ids("stopped")?;
    ensure!(stopped == [1, 2, 3, 4, 5, 6], "succeeded: {stopped:?}");
    Ok(())
}
