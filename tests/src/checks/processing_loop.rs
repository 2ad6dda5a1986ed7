use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use super::common::{most_at_once, tasks_of};
use crate::Program;
use crate::program::in_shell;
use crate::sandbox::{Load, Sandbox};

pub fn four_phases_in_order(sandbox: &Sandbox) -> Result<()> {
    let engine = sandbox.engine_with_tasks(3, Load::waiting(0.01))?;
    let events = sandbox.drain(engine)?.success()?.events();

    for task in 1..=3 {
        let of_task: Vec<_> = events
            .iter()
            .filter(|event| event.task() == Some(task))
            .map(|event| event.message.as_str())
            .collect();
        let expected = [
            "task acquired",
            "task started",
            "task is waiting",
            "task finished",
        ];
        ensure!(of_task == expected, "task {task} logged {of_task:?}");
    }
    Ok(())
}

pub fn elapsed_time_logged(sandbox: &Sandbox) -> Result<()> {
    let engine = sandbox.engine_with_tasks(1, Load::waiting(0.2))?;
    let events = sandbox.drain(engine)?.success()?.events();

    let elapsed = events.iter().find_map(|event| event.number("elapsed_ms"));
    ensure!(
        elapsed.is_some_and(|elapsed| elapsed >= 200),
        "a task that waits 200 ms took {elapsed:?} ms"
    );
    Ok(())
}

pub fn one_task_at_a_time(sandbox: &Sandbox) -> Result<()> {
    let engine = sandbox.engine_with_tasks(3, Load::waiting(0.1))?;
    let events = sandbox.drain(engine)?.success()?.events();

    let most = most_at_once(&events);
    ensure!(most == 1, "{most} tasks ran at once");
    Ok(())
}

pub fn engine_ends_when_nothing_is_left(sandbox: &Sandbox) -> Result<()> {
    let engine = sandbox.engine_with_tasks(3, Load::waiting(0.0))?;
    let events = engine.finish()?.success()?.events();

    let mut executed = tasks_of(&events, "task finished");
    executed.sort_unstable();
    ensure!(executed == [1, 2, 3], "executed: {executed:?}");
    Ok(())
}

/// The disk where the log goes is full.
pub fn full_disk_loses_only_the_log(sandbox: &Sandbox) -> Result<()> {
    runs_without_log(sandbox, r#"exec "$@" 2>/dev/full"#)
}

/// Who read the log has gone, as `head` does.
pub fn reader_that_leaves_loses_only_the_log(sandbox: &Sandbox) -> Result<()> {
    runs_without_log(sandbox, r#"exec "$@" 2> >(head -n 1 >/dev/null)"#)
}

fn runs_without_log(sandbox: &Sandbox, script: &str) -> Result<()> {
    let command = sandbox.engine_with_tasks_command(20, Load::waiting(0.0))?;
    let engine = Program::start(in_shell(script, &command))?;
    if !sandbox.is_before("persistence") {
        sandbox.until_nothing_is_left()?;
    }
    if !sandbox.is_before("notifications") {
        engine.signal(Signal::SIGTERM)?;
    }
    engine.finish()?.success()?;
    Ok(())
}
