use std::collections::BTreeSet;

use anyhow::{Result, ensure};

use super::common::most_at_once;
use crate::Event;
use crate::sandbox::{Load, Sandbox};

pub fn five_tasks_at_once(sandbox: &Sandbox) -> Result<()> {
    let mut engine = sandbox.engine_with_tasks(10, Load::waiting(0.5))?;
    engine.wait_for("task finished", 1)?;

    let workers: BTreeSet<_> = engine
        .events()
        .iter()
        .take_while(|event| event.message != "task finished")
        .filter(|event| event.message == "task started")
        .filter_map(|event: &Event| event.number("worker"))
        .collect();
    ensure!(
        workers == BTreeSet::from([0, 1, 2, 3, 4]),
        "before the end of the first task, these workers had started one: {workers:?}"
    );
    sandbox.drain(engine)?.success()?;
    Ok(())
}

pub fn as_many_tasks_as_workers(sandbox: &Sandbox) -> Result<()> {
    let load = Load {
        workers: Some(2),
        waiting_time: 0.5,
    };
    let engine = sandbox.engine_with_tasks(4, load)?;
    let events = sandbox.drain(engine)?.success()?.events();

    let most = most_at_once(&events);
    ensure!(most == 2, "2 workers ran {most} tasks at once");
    Ok(())
}
