use anyhow::{Result, ensure};

use super::common::{executions, soon, stop, tasks_of};
use super::recovery::{kill, start};
use crate::sandbox::{Load, Sandbox};

const LONG: &str = r#"{"waiting_time": 3600}"#;
const DEAF: &str = r#"{"waiting_time": 3600, "deaf": true}"#;

pub fn cancelled_waiting_task_is_not_executed(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(3, Load::waiting(0.0))?;
    sandbox.run(&["cancel", "2"])?.success()?;
    ensure!(sandbox.ids("cancelled")? == [2], "it isn't cancelled");
    let engine = sandbox.start_engine(Load::waiting(0.0))?;
    let finished = sandbox.drain(engine)?.success()?;
    let mut executed = tasks_of(&finished.events(), "task finished");
    executed.sort_unstable();
    ensure!(executed == [1, 3], "executed: {executed:?}");
    let listed = sandbox.list(&["--status", "cancelled"])?.success()?.text();
    ensure!(listed.contains("cancelled"), "it isn't listed:\n{listed}");

    // It ends there, unless somebody puts it back.
    ensure!(
        !sandbox.run(&["cancel", "1"])?.status.success(),
        "a task that has ended can't be cancelled"
    );
    sandbox.run(&["retry", "2"])?.success()?;
    let engine = sandbox.start_engine(Load::waiting(0.0))?;
    sandbox.drain(engine)?.success()?;
    ensure!(sandbox.ids("stopped")? == [1, 2, 3], "it isn't executed");
    Ok(())
}

/// Two engines, and a third program that asks: one task listens, another is deaf, and the others go
/// on.
pub fn running_task_is_cancelled_in_whatever_process(sandbox: &Sandbox) -> Result<()> {
    let load = Load {
        workers: Some(1),
        ..Load::waiting(0.0)
    };
    let mut engines = Vec::new();
    for parameters in [LONG, DEAF] {
        sandbox.create(&["waiting", parameters])?.success()?;
        let mut engine = sandbox.start_engine(load)?;
        engine.wait_for("task is waiting", 1)?;
        engines.push(engine);
    }
    sandbox.run(&["cancel", "1", "2"])?.success()?;
    soon("both are cancelled", || {
        Ok(sandbox.ids("cancelled")? == [1, 2])
    })?;
    for task in [1, 2] {
        let executions = executions(sandbox, task)?;
        let reason = executions.iter().map(|one| one.error["type"].as_str());
        ensure!(
            reason.eq([Some("cancelled")]),
            "task {task} has failed otherwise"
        );
    }
    sandbox.create_tasks(10, load)?;
    sandbox.until_nothing_is_left()?;
    for engine in engines {
        stop(engine)?;
    }
    ensure!(
        sandbox.count("stopped")? == 10,
        "the others were not executed"
    );
    Ok(())
}

pub fn tasks_are_cancelled_by_kind_or_together(sandbox: &Sandbox) -> Result<()> {
    for (kind, correlation) in [
        ("waiting", "order-1"),
        ("waiting", "order-2"),
        ("failing", "order-1"),
        ("failing", "order-3"),
    ] {
        let parameters = if kind == "waiting" { LONG } else { "{}" };
        let created = sandbox.create(&[kind, parameters, "--correlation", correlation])?;
        created.success()?;
    }
    let load = Load {
        workers: Some(1),
        ..Load::waiting(0.0)
    };
    let mut engine = sandbox.start_engine(load)?;
    engine.wait_for("task is waiting", 1)?;
    // One of them runs.
    let order = sandbox.run(&["cancel", "--correlation", "order-1"])?;
    order.success()?;
    soon("the order is cancelled", || {
        Ok(sandbox.ids("cancelled")? == [1, 3])
    })?;
    sandbox.run(&["cancel", "--kind", "waiting"])?.success()?;
    soon("the kind is cancelled", || {
        Ok(sandbox.ids("cancelled")? == [1, 2, 3])
    })?;
    stop(engine)?;
    Ok(())
}

/// Nobody is there to tell it: whoever takes it over doesn't execute it.
pub fn task_of_a_killed_engine_can_be_cancelled(sandbox: &Sandbox) -> Result<()> {
    let load = Load {
        workers: Some(1),
        ..Load::waiting(3600.0)
    };
    sandbox.create_tasks(1, load)?;
    kill(start(sandbox, "killed", load, 1)?)?;
    sandbox.run(&["cancel", "1"])?.success()?;
    let engine = start(sandbox, "other", load, 0)?;
    soon("it is cancelled", || Ok(sandbox.ids("cancelled")? == [1]))?;
    let events = stop(engine)?.events();
    let started = tasks_of(&events, "task started");
    ensure!(started.is_empty(), "it was executed again");
    Ok(())
}
