use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use crate::sandbox::{Load, Sandbox};

pub fn parameters_reach_the_task(sandbox: &Sandbox) -> Result<()> {
    for parameters in [r#"{"waiting_time": 0.3}"#, r#"{"waiting_time": 0}"#] {
        sandbox.create_task(&["waiting", parameters])?.success()?;
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
    let refused = sandbox.create_task(&["sleeping", "{}"])?;
    refused_with(
        sandbox,
        refused,
        &["\"sleeping\"", "known kinds", "waiting"],
    )
}

pub fn ill_typed_parameters_refused(sandbox: &Sandbox) -> Result<()> {
    for parameters in [
        "{}",
        r#"{"waiting_time": "five"}"#,
        r#"{"waiting_time": -1}"#,
        r#"{"waiting_time": 1, "waiting_tiem": 1}"#,
    ] {
        let refused = sandbox.create_task(&["waiting", parameters])?;
        refused_with(sandbox, refused, &["\"waiting\"", "waiting_ti", "line 1"])?;
    }
    Ok(())
}

pub fn invalid_json_refused(sandbox: &Sandbox) -> Result<()> {
    for parameters in ["", "{", "[]", "null", "{} {}", r#"{"waiting_time": 1,}"#] {
        let refused = sandbox.create_task(&["waiting", parameters])?;
        refused_with(sandbox, refused, &["\"waiting\"", "line 1"])?;
    }
    Ok(())
}

fn refused_with(sandbox: &Sandbox, refused: crate::Finished, words: &[&str]) -> Result<()> {
    let text = refused.exited(1)?.text();
    for word in words {
        ensure!(text.contains(word), "no word of {word} in: {text}");
    }
    // A program that looks at the task first has no need of a database.
    let created = sandbox.database_path().exists() && sandbox.count("waiting")? > 0;
    ensure!(!created, "a task was created");
    Ok(())
}

pub fn task_of_an_unknown_kind_left_alone(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(1, Load::waiting(0.0))?;
    sandbox
        .database()?
        .execute("UPDATE tasks SET task_kind = 'other'", [])?;
    sandbox.create_tasks(1, Load::waiting(0.0))?;

    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("task finished", 1)?;
    engine.signal(Signal::SIGTERM)?;
    let events = engine.finish()?.success()?.events();

    ensure!(
        sandbox.ids("waiting")? == [1],
        "the task is no longer waiting"
    );
    let reported = events.iter().any(|event| {
        event
            .fields
            .get("kind")
            .is_some_and(|kind| kind == "\"other\"")
    });
    ensure!(reported, "the engine doesn't say that it leaves a task");
    Ok(())
}
