use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::common::{executions, says, stop};
use super::errors::ONE_WORKER;
use crate::Program;
use crate::sandbox::Sandbox;

/// The error of a task that panics, executed with or without `RUST_BACKTRACE`.
fn error_of_a_panic(sandbox: &Sandbox, backtrace: &str) -> Result<Value> {
    sandbox.create(&["failing"])?.success()?;
    let mut command = sandbox.engine_command(ONE_WORKER);
    command
        .env_remove("RUST_LIB_BACKTRACE")
        .env("RUST_BACKTRACE", backtrace);
    let mut engine = Program::start(command)?;
    engine.wait_for("task failed", 1)?;
    stop(engine)?;
    Ok(executions(sandbox, 1)?.remove(0).error)
}

pub fn place_of_a_panic_recorded(sandbox: &Sandbox) -> Result<()> {
    let error = error_of_a_panic(sandbox, "0")?;
    let place = error["place"].as_str().context("no place")?;
    let mut parts = place.rsplitn(3, ':');
    let column = parts.next().unwrap_or_default().parse::<u32>();
    let line = parts.next().unwrap_or_default().parse::<u32>();
    let file = parts.next().unwrap_or_default();
    let well_formed =
        column.is_ok() && line.is_ok() && file.rsplit_once('.').is_some_and(|(_, end)| end == "rs");
    ensure!(well_formed, "the place is {place:?}");
    says(&sandbox.show("1")?, &[place])
}

pub fn frames_are_those_of_the_task(sandbox: &Sandbox) -> Result<()> {
    let error = error_of_a_panic(sandbox, "1")?;
    let frames = error["backtrace"].as_array().context("no frames")?;
    // The task is a function that divides.
    ensure!((1..=3).contains(&frames.len()), "frames: {frames:#?}");
    Ok(())
}
