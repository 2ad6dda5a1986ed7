use std::process::Command;

use anyhow::{Result, ensure};

use super::common::{executed_exactly, nothing_created, says, stop};
use crate::sandbox::{Load, Sandbox};

pub fn parameters_reach_the_task(sandbox: &Sandbox) -> Result<()> {
    for parameters in [r#"{"waiting_time": 0.3}"#, r#"{"waiting_time": 0}"#] {
        sandbox.create(&["waiting", parameters])?.success()?;
    }
    let engine = sandbox.start_engine(Load::waiting(0.0))?;
    let events = sandbox.drain(engine)?.success()?.events();

    let elapsed = |task| {
        events
            .iter()
            .filter(|event| event.message == "task finished" && event.task() == Some(task))
            .find_map(|event| event.number("elapsed_ms"))
    };
    ensure!(
        elapsed(1).is_some_and(|first| first >= 300) && elapsed(2) < elapsed(1),
        "a task that waits 300 ms took {:?} ms, one that does not wait {:?} ms",
        elapsed(1),
        elapsed(2)
    );
    Ok(())
}

pub fn unknown_kind_refused(sandbox: &Sandbox) -> Result<()> {
    let refused = sandbox.create(&["sleeping", "{}"])?.exited(1)?;
    says(&refused, &["\"sleeping\"", "known kinds", "waiting"])?;
    nothing_created(sandbox)
}

pub fn invalid_json_refused(sandbox: &Sandbox) -> Result<()> {
    for parameters in ["", "{", "{} {}", r#"{"waiting_time": 1,}"#] {
        let refused = sandbox.create(&["waiting", parameters])?.exited(1)?;
        says(&refused, &["error: ", "JSON"])?;
    }
    // They are JSON, and no parameters.
    for parameters in ["[]", "null", "3"] {
        let refused = sandbox.create(&["waiting", parameters])?.exited(1)?;
        says(&refused, &["error: "])?;
    }
    nothing_created(sandbox)
}

/// Another program may know it; the bytes of its name may be no text.
pub fn task_of_an_unknown_kind_left_alone(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(4, Load::waiting(0.0))?;
    sandbox.database()?.execute_batch(
        "UPDATE tasks SET task_kind = 'other' WHERE id = 1;
         UPDATE tasks SET task_kind = CAST(x'636166E9' AS TEXT) WHERE id = 2;
         UPDATE tasks SET task_kind = '' WHERE id = 3;",
    )?;

    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("task finished", 1)?;
    if sandbox.is_before("notifications") {
        engine.finish()?.success()?;
    } else {
        stop(engine)?;
    }
    let waiting = sandbox.ids("waiting")?;
    ensure!(waiting == [1, 2, 3], "left waiting: {waiting:?}");
    Ok(())
}

/// What is documented for those who have no Rust: one statement, from the shell of `SQLite` and from
/// Python.
pub fn any_program_creates_tasks(sandbox: &Sandbox) -> Result<()> {
    const PYTHON: &str = "
import json, sqlite3, sys, time
now = time.time_ns() // 1_000_000
tasks = sqlite3.connect(sys.argv[1], timeout=60)
tasks.execute('INSERT INTO tasks (task_kind, task_parameters, created_at, updated_at)'
              ' VALUES (?, ?, ?, ?)', ('waiting', json.dumps({'waiting_time': 0}), now, now))
tasks.commit()";
    const SHELL: &str = "INSERT INTO tasks (task_kind, task_parameters, created_at, updated_at)
        VALUES ('waiting', '{\"waiting_time\": 0}', unixepoch() * 1000, unixepoch() * 1000)";
    sandbox.create_database()?;
    let database = sandbox.database_path();
    let mut shell = Command::new("sqlite3");
    let mut python = Command::new("python3");
    let shell = shell.arg(&database).arg(SHELL);
    let python = python.args(["-c", PYTHON]).arg(&database);
    for command in [shell, python] {
        let output = command.output()?;
        let told = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{command:?}: {told}");
    }
    let engine = sandbox.start_engine(Load::waiting(0.0))?;
    let events = sandbox.drain(engine)?.success()?.events();
    executed_exactly(&[events], 1..=2)
}
