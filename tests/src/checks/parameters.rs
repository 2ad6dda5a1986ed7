use anyhow::{Result, ensure};

use super::common::{nothing_created, says, stop, tasks_of};
use crate::sandbox::{Load, Sandbox};

pub fn ill_typed_parameters_refused(sandbox: &Sandbox) -> Result<()> {
    for parameters in [
        "{}",
        r#"{"waiting_time": "five"}"#,
        r#"{"waiting_time": -1}"#,
        r#"{"waiting_time": 1e300}"#,
        r#"{"waiting_time": 1, "waiting_tiem": 1}"#,
    ] {
        let refused = sandbox.create(&["waiting", parameters])?.exited(1)?;
        says(&refused, &["\"waiting\"", "waiting_ti"])?;
    }
    nothing_created(sandbox)
}

pub fn unknown_kind_reported(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(2, Load::waiting(0.0))?;
    sandbox
        .database()?
        .execute_batch("UPDATE tasks SET task_kind = 'other' WHERE id = 1")?;

    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("task finished", 1)?;
    let finished = if sandbox.is_before("notifications") {
        engine.finish()?.success()?
    } else {
        stop(engine)?
    };
    let events = finished.events();
    let reported = events
        .iter()
        .any(|event| event.fields.get("kind").map(String::as_str) == Some("\"other\""));
    ensure!(reported, "it doesn't say that it leaves a task");
    Ok(())
}

/// Rows that another program has written, which no task of their kind can be made of.
pub const UNREADABLE: [&str; 5] = [
    r#"'{"waiting_time": "long"}'"#,
    r#"'{"waiting_time": 1e300}'"#,
    // Text in Latin-1, which SQLite takes for JSON.
    r#"CAST('{"waiting_time": "caf' || x'E9' || '"}' AS TEXT)"#,
    r#"CAST('{"waiting_time' || x'FF' || '": 0}' AS TEXT)"#,
    // Deeper than most programs can read.
    r#"'{"waiting_time": ' || replace(hex(zeroblob(100)), '0', '[') || replace(hex(zeroblob(100)), '0', ']') || '}'"#,
];

pub fn unreadable_tasks_harm_nobody(sandbox: &Sandbox) -> Result<()> {
    let unreadable = i64::try_from(UNREADABLE.len())?;
    let readable = unreadable + 1;
    sandbox.create_tasks(u32::try_from(readable)?, Load::waiting(0.0))?;
    for (parameters, id) in UNREADABLE.iter().zip(1..) {
        let update = format!("UPDATE tasks SET task_parameters = {parameters} WHERE id = {id}");
        sandbox.database()?.execute_batch(&update)?;
    }

    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("task can't be executed", UNREADABLE.len())?;
    let events = sandbox.drain(engine)?.success()?.events();

    let finished = tasks_of(&events, "task finished");
    ensure!(finished == [readable], "finished: {finished:?}");
    let running = sandbox.ids("running")?;
    ensure!(
        running.iter().copied().eq(1..=unreadable),
        "still marked as running: {running:?}"
    );
    Ok(())
}
