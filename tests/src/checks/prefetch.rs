use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use super::common::{stop, tasks_of};
use super::recovery::LEASE;
use crate::sandbox::{Load, Sandbox};
use crate::{Event, Program};

const TASKS: u32 = 10_000;
const WORKERS: u32 = 5;
/// How many times all are held up, and for how long.
const MOMENTS: u32 = 4;
const MOMENT: Duration = Duration::from_secs(1);

/// How many have been executed twice at most, once their engine was killed.
const TWICE: usize = 256;

/// While somebody else writes, nothing can be committed: the workers have other tasks to begin.
pub fn workers_do_not_wait_for_the_ends_of_short_tasks(sandbox: &Sandbox) -> Result<()> {
    let mut engine = start(sandbox)?;
    let other = sandbox.database()?;
    other.busy_timeout(Duration::from_secs(10))?;
    // The log would tell too late: all may be done.
    while sandbox.count("waiting")? > i64::from(TASKS) - 500 {}
    let mut on_their_way = 0;
    // A busy machine makes all tasks long, now and then: none is acquired ahead.
    for _ in 0..MOMENTS {
        other.execute_batch("BEGIN IMMEDIATE")?;
        engine.stays_alive(MOMENT)?;
        let ended = sandbox.ids("stopped")?.len();
        let mut begun = 0;
        // The log comes later than what it tells.
        while begun < tasks_of(&engine.events(), "task started").len() {
            begun = tasks_of(&engine.events(), "task started").len();
            engine.stays_alive(MOMENT / 4)?;
        }
        other.execute_batch("COMMIT")?;
        on_their_way = begun.saturating_sub(ended);
        if on_their_way > WORKERS as usize {
            break;
        }
        sleep(MOMENT / 400);
    }
    sandbox.until_nothing_is_left()?;
    stop(engine)?;
    ensure!(
        on_their_way > WORKERS as usize,
        "{WORKERS} workers have begun {on_their_way} tasks, and wait for their ends to be committed"
    );
    ensure!(
        on_their_way <= TWICE,
        "{on_their_way} tasks have ended, and nobody knows"
    );
    each_has_succeeded_once(sandbox)
}

/// Those that were acquired ahead are begun by another engine; of those that had ended, few are.
pub fn a_kill_repeats_few_short_tasks(sandbox: &Sandbox) -> Result<()> {
    let mut engine = start(sandbox)?;
    engine.wait_for("task finished", 200)?;
    while sandbox.count("running")? <= i64::from(WORKERS) {
        ensure!(
            sandbox.count("waiting")? > 0,
            "{WORKERS} workers never have more than {WORKERS} tasks"
        );
    }
    engine.signal(Signal::SIGKILL)?;
    let killed = engine.finish()?.events();
    let load = Load {
        waiting_time: 0.0,
        workers: Some(WORKERS),
    };
    let other = sandbox.leased_engine_command("other", load, LEASE);
    let other = Program::start(other)?;
    sandbox.until_nothing_is_left()?;
    let others = stop(other)?.events();
    let begun = |events: &[Event]| -> BTreeSet<i64> {
        tasks_of(events, "task started").into_iter().collect()
    };
    let twice = begun(&killed).intersection(&begun(&others)).count();
    ensure!(twice <= TWICE, "{twice} tasks were executed twice");
    each_has_succeeded_once(sandbox)
}

fn start(sandbox: &Sandbox) -> Result<Program> {
    let count = TASKS.to_string();
    let create = ["failing", r#"{"divisor": 1}"#, "--count", &count];
    sandbox.create(&create)?.success()?;
    let load = Load {
        waiting_time: 0.0,
        workers: Some(WORKERS),
    };
    let mut command = sandbox.leased_engine_command("first", load, LEASE);
    if !sandbox.is_before("prefetch") {
        // So long that a slow machine executes many meanwhile.
        command.args(["--ahead", "10s"]);
    }
    Program::start(command)
}

fn each_has_succeeded_once(sandbox: &Sandbox) -> Result<()> {
    let once = "SELECT count(*) FROM tasks WHERE status = 'stopped' AND 1 =
                (SELECT count(*) FROM task_executions
                 WHERE task_id = tasks.id AND task_executions.status = 'success')";
    let database = sandbox.database()?;
    let once: u32 = database.query_one(once, [], |row| row.get(0))?;
    ensure!(
        once == TASKS,
        "{once} tasks of {TASKS} have succeeded, and once"
    );
    Ok(())
}
