use anyhow::{Result, ensure};

use super::common::{executions, soon, stop, tasks_of};
use crate::sandbox::{Load, Sandbox};

const ONE_WORKER: Load = Load {
    waiting_time: 3600.0,
    workers: Some(1),
};

/// Its only worker has better things to do than to wait for an hour.
pub fn task_that_takes_too_long_fails_and_others_go_on(sandbox: &Sandbox) -> Result<()> {
    let long = r#"{"waiting_time": 3600}"#;
    let short = r#"{"waiting_time": 0}"#;
    let created = sandbox.create(&["waiting", long, "--timeout", "200ms"])?;
    created.success()?;
    sandbox.create(&["waiting", short])?.success()?;

    let engine = sandbox.start_engine(ONE_WORKER)?;
    soon("the second task is executed", || {
        Ok(sandbox.ids("stopped")? == [2])
    })?;
    let events = stop(engine)?.events();
    let asked = tasks_of(&events, "task is asked to stop");
    ensure!(asked == [1], "asked to stop: {asked:?}");
    let failure = reason(sandbox)?;
    ensure!(
        failure.0 == "timeout" && failure.1.starts_with("timed out after 200ms: "),
        "kept: {failure:?}"
    );

    // Its retry, in another process, is no longer.
    let due = "UPDATE tasks SET scheduled_at = 0 WHERE status = 'waiting'";
    sandbox.database()?.execute_batch(due)?;
    let engine = sandbox.start_engine(ONE_WORKER)?;
    failed(sandbox, 2)?;
    stop(engine)?;
    let shown = sandbox.show("1")?.success()?.text();
    ensure!(shown.contains("200ms"), "it isn't shown:\n{shown}");
    Ok(())
}

/// It doesn't listen: it has a few seconds, then it is gone.
pub fn task_that_does_not_listen_is_cut_short(sandbox: &Sandbox) -> Result<()> {
    let created = sandbox.create(&[
        "waiting",
        r#"{"waiting_time": 3600, "deaf": true}"#,
        "--timeout",
        "200ms",
    ])?;
    created.success()?;
    let engine = sandbox.start_engine(ONE_WORKER)?;
    failed(sandbox, 1)?;
    let failure = reason(sandbox)?;
    ensure!(
        failure == ("timeout".into(), "timed out after 200ms: cut short".into()),
        "kept: {failure:?}"
    );
    // The worker is free, and nothing is left of the task that the stop would wait for.
    stop(engine)?;
    ensure!(sandbox.count("running")? == 0, "a task is left running");
    Ok(())
}

/// Waits until so many executions of the first task have failed.
fn failed(sandbox: &Sandbox, times: i64) -> Result<()> {
    let failures = "SELECT count(*) FROM task_executions WHERE task_id = 1 AND status = 'failure'";
    soon("a failure", || {
        let failures: i64 = sandbox
            .database()?
            .query_one(failures, [], |row| row.get(0))?;
        Ok(failures == times)
    })
}

/// What is kept of the last failure: its type, and what it says.
fn reason(sandbox: &Sandbox) -> Result<(String, String)> {
    let mut executions = executions(sandbox, 1)?;
    let error = executions.pop().map(|last| last.error).unwrap_or_default();
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    Ok((text("type"), text("message")))
}
