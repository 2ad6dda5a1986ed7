use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::common::{soon, stop};
use crate::sandbox::{Load, Sandbox};
use crate::{Event, Program};

/// How long an engine that does nothing is observed, and how often its threads may give up the
/// processor meanwhile: a look makes three or four do so, and a hundred looks a second are too many.
const OBSERVED: Duration = Duration::from_secs(4);
const SWITCHES: u64 = 600;

pub fn idle_engine_hardly_ever_looks(sandbox: &Sandbox) -> Result<()> {
    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    sandbox.create_tasks(1, Load::waiting(0.0))?;
    engine.wait_for("task finished", 1)?;
    engine.stays_alive(Duration::from_secs(1))?;
    let before = switches(&engine)?;
    engine.stays_alive(OBSERVED)?;
    let switches = switches(&engine)?.saturating_sub(before);
    ensure!(
        switches < SWITCHES,
        "its threads have run {switches} times, for nothing"
    );
    // Asleep, not deaf.
    sandbox.create_tasks(1, Load::waiting(0.0))?;
    engine.wait_for("task finished", 2)?;
    stop(engine)?;
    Ok(())
}

/// The log of the database has another name for a moment: who is told of what is written in it can't
/// be any more.
pub fn engine_that_is_told_nothing_looks_and_says_so(sandbox: &Sandbox) -> Result<()> {
    let mut engine = sandbox.start_engine(Load::waiting(0.0))?;
    engine.wait_for("engine started", 1)?;
    let log = sandbox.database_path().with_extension("db-wal");
    let hidden = log.with_extension("hidden");
    fs::rename(&log, &hidden)?;
    soon("a warning that the kernel doesn't tell", || {
        engine.stays_alive(Duration::from_millis(20))?;
        let told = |event: &Event| event.message.starts_with("the kernel doesn't tell");
        Ok(engine.events().iter().any(told))
    })?;
    fs::rename(&hidden, &log)?;
    for executed in 1..=3 {
        sandbox.create_tasks(1, Load::waiting(0.0))?;
        engine.wait_for("task finished", executed)?;
    }
    stop(engine)?;
    Ok(())
}

/// How often the threads of this program have waited for something.
fn switches(program: &Program) -> Result<u64> {
    let mut switches = 0;
    for thread in fs::read_dir(format!("/proc/{}/task", program.id()))? {
        let status = fs::read_to_string(thread?.path().join("status"))?;
        let count = status
            .lines()
            .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))
            .context("the system doesn't count")?;
        switches += count.trim().parse::<u64>()?;
    }
    Ok(switches)
}
