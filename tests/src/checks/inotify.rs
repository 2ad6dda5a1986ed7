use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::common::{says, stop};
use crate::Program;
use crate::program::in_shell;
use crate::sandbox::{Load, Sandbox};

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

/// A user may have so many programs that are told: here, none.
pub fn engine_that_is_told_nothing_looks_and_says_so(sandbox: &Sandbox) -> Result<()> {
    let command = sandbox.engine_command(Load::waiting(0.0));
    let script = "exec unshare --user --map-root-user sh -c \
                  'echo 0 > /proc/sys/user/max_inotify_instances && exec \"$@\"' sh \"$@\"";
    let mut engine = Program::start(in_shell(script, &command))?;
    engine
        .wait_for("engine started", 1)
        .context("is a user allowed to make a namespace here?")?;
    for executed in 1..=3 {
        sandbox.create_tasks(1, Load::waiting(0.0))?;
        engine.wait_for("task finished", executed)?;
    }
    let ended = stop(engine)?;
    says(&ended, &["WARN the kernel doesn't tell what is written"])
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
