use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use super::common::{says, stop, tasks_of};
use super::listing::listed;
use crate::sandbox::{Load, Sandbox};

/// The longest that an engine sleeps, in milliseconds: a task can't be later by more than that.
const WAKE_UP_INTERVAL: i64 = 10_000;

pub fn task_runs_when_it_is_due(sandbox: &Sandbox) -> Result<()> {
    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("engine started", 1)?;
    create(sandbox, &["--in", "1s"])?;
    create(sandbox, &["--in", "500ms"])?;
    engine.wait_for("task finished", 2)?;
    let events = stop(engine)?.events();

    let order = tasks_of(&events, "task finished");
    ensure!(order == [2, 1], "they ran in the order {order:?}");
    started_on_time(sandbox, 2)
}

pub fn future_task_holds_up_nobody(sandbox: &Sandbox) -> Result<()> {
    create(sandbox, &["--at", "9999-12-01T00:00:00Z"])?;
    create(sandbox, &["--in", "1h"])?;
    create(sandbox, &[])?;
    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("task finished", 1)?;
    let events = stop(engine)?.events();

    let executed = tasks_of(&events, "task finished");
    ensure!(executed == [3], "executed: {executed:?}");
    ensure!(sandbox.ids("waiting")? == [1, 2], "they no longer wait");
    Ok(())
}

pub fn schedule_survives_a_kill(sandbox: &Sandbox) -> Result<()> {
    create(sandbox, &["--in", "2s"])?;
    create(sandbox, &[])?;
    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("task finished", 1)?;
    engine.signal(Signal::SIGKILL)?;
    engine.finish()?;
    ensure!(sandbox.ids("waiting")? == [1], "it no longer waits");

    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("task finished", 1)?;
    stop(engine)?;
    started_on_time(sandbox, 1)
}

pub fn task_of_the_past_runs_at_once(sandbox: &Sandbox) -> Result<()> {
    create(sandbox, &["--at", "2001-01-01T00:00:00Z"])?;
    create(sandbox, &["--in=-1h"])?;
    let engine = sandbox.start_engine(Load::waiting(0.0))?;
    sandbox.drain(engine)?.success()?;

    let executed = sandbox.ids("stopped")?;
    ensure!(executed == [1, 2], "executed: {executed:?}");
    Ok(())
}

pub fn due_tasks_in_the_order_of_their_times(sandbox: &Sandbox) -> Result<()> {
    for year in ["2003", "2002", "2002", "2001"] {
        create(sandbox, &["--at", &format!("{year}-01-01T00:00:00Z")])?;
    }
    let one_worker = Load {
        workers: Some(1),
        ..Load::waiting(0.0)
    };
    let engine = sandbox.start_engine(one_worker)?;
    let events = sandbox.drain(engine)?.success()?.events();

    let order = tasks_of(&events, "task finished");
    ensure!(order == [4, 2, 3, 1], "they ran in the order {order:?}");
    Ok(())
}

pub fn nonsense_time_refused(sandbox: &Sandbox) -> Result<()> {
    for (arguments, word) in [
        (&["--at", "tomorrow"][..], "'tomorrow'"),
        (&["--at", "2030-02-30T00:00:00Z"], "'2030-02-30T00:00:00Z'"),
        (&["--in", "soon"], "'soon'"),
        (
            &["--at", "2030-01-01T00:00:00Z", "--in", "1h"],
            "cannot be used",
        ),
    ] {
        let task = ["waiting", r#"{"waiting_time": 0}"#];
        let refused = sandbox.create(&[&task, arguments].concat())?;
        let text = refused.exited(2)?.text();
        ensure!(text.contains(word), "no word of {word} in: {text}");
    }
    Ok(())
}

/// Times that no calendar has, as another program may write them: none is in anybody's way.
pub fn odd_times_harm_nobody(sandbox: &Sandbox) -> Result<()> {
    for _ in 0..3 {
        create(sandbox, &[])?;
    }
    sandbox.database()?.execute_batch(
        "UPDATE tasks SET scheduled_at = 9223372036854775807 WHERE id = 1;
         UPDATE tasks SET scheduled_at = -9223372036854775808 WHERE id = 2;",
    )?;
    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("task finished", 2)?;
    stop(engine)?;
    let stopped = sandbox.ids("stopped")?;
    ensure!(stopped == [2, 3], "executed: {stopped:?}");
    for id in ["1", "2"] {
        says(&sandbox.show(id)?.success()?, &["scheduled"])?;
    }
    let listed = listed(sandbox, &[])?;
    ensure!(listed == [3, 2, 1], "listed: {listed:?}");
    Ok(())
}

/// Creates a task that does nothing, with these options.
fn create(sandbox: &Sandbox, options: &[&str]) -> Result<()> {
    let task = ["waiting", r#"{"waiting_time": 0}"#];
    sandbox.create(&[&task, options].concat())?.success()?;
    Ok(())
}

/// So many tasks that were scheduled have started, none early, none later than the longest sleep.
fn started_on_time(sandbox: &Sandbox, expected: usize) -> Result<()> {
    let database = sandbox.database()?;
    let mut late = database.prepare(
        "SELECT started_at - scheduled_at
         FROM tasks JOIN task_executions ON task_id = tasks.id WHERE scheduled_at > tasks.created_at",
    )?;
    let late = late.query_map([], |row| row.get(0))?;
    let late: Vec<i64> = late.collect::<rusqlite::Result<_>>()?;
    ensure!(
        late.len() == expected && late.iter().all(|late| (0..WAKE_UP_INTERVAL).contains(late)),
        "late by so many milliseconds: {late:?}"
    );
    Ok(())
}
