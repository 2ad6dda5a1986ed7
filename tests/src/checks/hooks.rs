use anyhow::{Context, Result, ensure};

use super::common::stop;
use crate::sandbox::{Load, Sandbox};
use crate::{Event, Finished};

pub fn executions_measured_by_kind(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(3, Load::waiting(0.0))?;
    sandbox.create(&["failing", "--count", "2"])?.success()?;
    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("task finished", 3)?;
    engine.wait_for("task failed", 2)?;
    measured(
        &stop(engine)?,
        &[("\"failing\"", 2, 2), ("\"waiting\"", 3, 0)],
    )
}

pub fn nothing_measured_nothing_told(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(1, Load::waiting(0.0))?;
    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("task finished", 1)?;
    measured(&stop(engine)?, &[("\"waiting\"", 1, 0)])?;

    // The tasks of another engine aren't its own.
    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("engine started", 1)?;
    measured(&stop(engine)?, &[])
}

/// It has told these executions and failures of these kinds, and of no other.
fn measured(finished: &Finished, expected: &[(&str, i64, i64)]) -> Result<()> {
    let events = finished.events();
    let mut told = events
        .iter()
        .filter(|event| event.message == "measured")
        .map(counts)
        .collect::<Result<Vec<_>>>()?;
    told.sort_unstable();
    ensure!(told == expected, "measured: {told:?}");
    Ok(())
}

fn counts(event: &Event) -> Result<(&str, i64, i64)> {
    let field = |name| event.fields.get(name).with_context(|| format!("no {name}"));
    let number = |name| {
        field(name)?
            .parse()
            .with_context(|| format!("{name} is no number"))
    };
    field("longest")?;
    Ok((field("kind")?, number("executions")?, number("failures")?))
}
