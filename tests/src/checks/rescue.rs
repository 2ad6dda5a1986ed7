use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use super::common::{lost, numbers, outcomes, says, stop, tasks_of};
use crate::Program;
use crate::program::in_shell;
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
    says(
        &sandbox.run(&["retry", "17"])?.exited(1)?,
        &["error: ", "17"],
    )
}

/// Whoever doesn't want to wait needn't.
pub fn retry_makes_a_future_task_due(sandbox: &Sandbox) -> Result<()> {
    let later = ["waiting", r#"{"waiting_time": 0}"#, "--in", "1h"];
    sandbox.create(&later)?.success()?;
    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("engine started", 1)?;
    sandbox.run(&["retry", "1"])?.success()?;
    engine.wait_for("task finished", 1)?;
    stop(engine)?;
    Ok(())
}

/// Its engine may be alive: it takes more than a number to take a task away from it.
pub fn retry_refuses_a_running_task(sandbox: &Sandbox) -> Result<()> {
    let mut engine = sandbox.engine_with_tasks(1, Load::waiting(0.5))?;
    engine.wait_for("task is waiting", 1)?;
    says(
        &sandbox.run(&["retry", "1"])?.exited(1)?,
        &["error: ", "running"],
    )?;
    let finished = tasks_of(&stop(engine)?.events(), "task finished");
    ensure!(finished == [1], "finished: {finished:?}");
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

/// Those of a program of old, in which engines had no names.
pub fn stranded_tasks_without_a_name_are_put_back(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(1, Load::waiting(0.0))?;
    sandbox
        .database()?
        .execute_batch("UPDATE tasks SET status = 'running'")?;
    sandbox
        .run(&["retry", "--stranded", "", "--yes"])?
        .success()?;
    let waiting = sandbox.ids("waiting")?;
    ensure!(waiting == [1], "put back: {waiting:?}");
    Ok(())
}

/// Somebody was wrong: the first engine is alive. It has lost its task, and nobody else suffers.
pub fn task_taken_from_a_living_engine_is_lost_to_it(sandbox: &Sandbox) -> Result<()> {
    let one_worker = Load {
        workers: Some(1),
        ..Load::waiting(1.0)
    };
    sandbox.create_tasks(1, one_worker)?;
    let mut first = sandbox.start_engine_named("first", one_worker)?;
    first.wait_for("task is waiting", 1)?;
    first.signal(Signal::SIGTERM)?;
    let retry = ["retry", "--stranded", "first", "--yes"];
    sandbox.run(&retry)?.success()?;
    sandbox
        .database()?
        .execute_batch(r#"UPDATE tasks SET task_parameters = '{"waiting_time": 2}'"#)?;
    let mut second = sandbox.start_engine_named("second", one_worker)?;
    second.wait_for("task is waiting", 1)?;

    let lost = lost(&first.finish()?.success()?.events());
    ensure!(lost == [1], "lost, as the first one says: {lost:?}");
    let running = sandbox.ids("running")?;
    ensure!(
        running == [1],
        "running after the end of the first one: {running:?}"
    );
    sandbox.drain(second)?.success()?;
    let outcomes = outcomes(sandbox, 1)?;
    ensure!(outcomes == ["failure", "success"], "{outcomes:?}");
    Ok(())
}

/// It would kill one engine after the other.
pub fn task_that_kills_its_engines_fails(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(1, Load::waiting(3600.0))?;
    for _ in 0..4 {
        ensure!(sandbox.ids("waiting")? == [1], "it isn't put back any more");
        let mut engine = sandbox.start_engine_named("killed", Load::waiting(3600.0))?;
        engine.wait_for("task is waiting", 1)?;
        engine.signal(Signal::SIGKILL)?;
        engine.finish()?;
        let retry = ["retry", "--stranded", "killed", "--yes"];
        sandbox.run(&retry)?.success()?;
    }
    let failed = sandbox.ids("failed")?;
    ensure!(failed == [1], "failed: {failed:?}");
    Ok(())
}

/// The advice can be copied into a shell, whatever the name.
pub fn advice_is_fit_for_a_shell(sandbox: &Sandbox) -> Result<()> {
    const NAME: &str = r#"it's "a" $(touch harm) `touch harm`"#;
    sandbox.create_tasks(1, Load::waiting(3600.0))?;
    let mut engine = sandbox.start_engine_named(NAME, Load::waiting(3600.0))?;
    engine.wait_for("task is waiting", 1)?;
    engine.signal(Signal::SIGKILL)?;
    engine.finish()?;
    let refused = sandbox.start_engine_named(NAME, Load::waiting(0.0))?;
    let text = refused.finish()?.exited(3)?.text();
    let advice = text
        .split_once("`retry ")
        .and_then(|(_, rest)| rest.split_once("`;"));
    let (advice, _) = advice.with_context(|| format!("no advice in: {text}"))?;
    let script = format!(r#""$@" retry {advice} --yes"#);
    Program::start(in_shell(&script, &sandbox.command(&[])))?
        .finish()?
        .success()?;
    let harm = sandbox.folder().join("harm").exists();
    ensure!(!harm, "the shell has executed the name");
    ensure!(sandbox.ids("waiting")? == [1], "the task isn't put back");
    Ok(())
}
