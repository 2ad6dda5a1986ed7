use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use super::common::{executed_exactly, lost, outcomes, soon, stop, tasks_of};
use crate::Program;
use crate::sandbox::{Load, Sandbox};

/// Short, for the checks; and long, for a machine that has much else to do.
pub const LEASE: &str = "1500ms";
pub const LONGER: Duration = Duration::from_secs(3);

const ONE_WORKER: Load = Load {
    waiting_time: 3600.0,
    workers: Some(1),
};

pub fn tasks_of_a_killed_engine_are_executed_elsewhere(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(5, Load::waiting(3600.0))?;
    kill(start(sandbox, "killed", Load::waiting(3600.0), 5)?)?;
    shorten(sandbox, "id > 0")?;

    let engine = start(sandbox, "other", Load::waiting(0.0), 0)?;
    soon("nothing is left running", || {
        Ok(sandbox.count("running")? == 0)
    })?;
    sandbox.drain(engine)?;
    for task in 1..=5 {
        let outcomes = outcomes(sandbox, task)?;
        ensure!(
            outcomes == ["failure", "success"],
            "task {task}: {outcomes:?}"
        );
    }
    let counted = "SELECT count(*) FROM tasks WHERE context ->> 'crash_number' = 1
                   AND context ->> 'retry_number' IS NULL";
    let counted: i64 = sandbox
        .database()?
        .query_one(counted, [], |row| row.get(0))?;
    ensure!(
        counted == 5,
        "{counted} crashes are counted, apart from retries"
    );
    Ok(())
}

/// The tasks of one that is killed are those of this one, and no other's.
pub fn engines_of_one_name_are_told_apart(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(2, ONE_WORKER)?;
    let first = start(sandbox, "twin", ONE_WORKER, 1)?;
    let mut second = start(sandbox, "twin", ONE_WORKER, 1)?;
    let warned = second.events().iter().any(|event| {
        event.message.contains("this name") && event.fields["instance"].contains("twin")
    });
    ensure!(warned, "it doesn't say that the name isn't its own");

    let killed = tasks_of(&first.events(), "task is waiting");
    let kept = tasks_of(&second.events(), "task is waiting");
    kill(first)?;
    second.wait_for("task put back: its engine is dead", 1)?;
    let waiting = sandbox.ids("waiting")?;
    ensure!(
        waiting == killed,
        "put back: {waiting:?}, left by the killed one: {killed:?}"
    );
    let running = sandbox.ids("running")?;
    ensure!(
        running == kept,
        "running: {running:?}, kept by the other: {kept:?}"
    );
    Ok(())
}

/// It would kill one engine after the other, and the others wait behind it for ever.
pub fn task_that_kills_its_engines_fails_alone(sandbox: &Sandbox) -> Result<()> {
    let load = Load {
        workers: Some(2),
        ..Load::waiting(3600.0)
    };
    sandbox.create_tasks(1, load)?;
    for _ in 0..4 {
        kill(start(sandbox, "killed", load, 1)?)?;
    }
    sandbox.create_tasks(3, Load::waiting(0.0))?;
    let mut engine = start(sandbox, "last", load, 3)?;
    engine.wait_for("task failed: too many engines have died", 1)?;
    stop(engine)?;
    let failed = sandbox.ids("failed")?;
    ensure!(failed == [1], "failed: {failed:?}");
    let stopped = sandbox.ids("stopped")?;
    ensure!(stopped == [2, 3, 4], "executed: {stopped:?}");
    let outcomes = outcomes(sandbox, 1)?;
    ensure!(outcomes == ["failure"; 4], "{outcomes:?}");
    Ok(())
}

/// Its tasks were taken from it, and what it says of them comes too late; it goes on.
pub fn suspended_engine_ends_nothing_that_was_taken_from_it(sandbox: &Sandbox) -> Result<()> {
    let short = Load {
        workers: Some(1),
        ..Load::waiting(1.0)
    };
    sandbox.create_tasks(1, short)?;
    let mut first = start(sandbox, "suspended", short, 1)?;
    first.signal(Signal::SIGSTOP)?;
    let second = start(sandbox, "other", short, 0)?;
    soon("its task executed elsewhere", || {
        Ok(sandbox.ids("stopped")? == [1])
    })?;
    stop(second)?;
    first.signal(Signal::SIGCONT)?;
    first.wait_for("task lost: it isn't ours any more", 1)?;
    sandbox.create_tasks(1, short)?;
    first.wait_for("task finished", 1)?;

    let events = stop(first)?.events();
    let (lost, finished) = (lost(&events), tasks_of(&events, "task finished"));
    ensure!(
        lost == [1] && finished == [2],
        "lost: {lost:?}, finished: {finished:?}"
    );
    let outcomes = outcomes(sandbox, 1)?;
    ensure!(outcomes == ["failure", "success"], "{outcomes:?}");
    Ok(())
}

/// Nobody can say that he is alive, which makes nobody dead.
pub fn database_locked_for_longer_than_a_lease_kills_nobody(sandbox: &Sandbox) -> Result<()> {
    let load = Load {
        workers: Some(2),
        ..Load::waiting(1.0)
    };
    sandbox.create_tasks(4, load)?;
    let engines = [
        start(sandbox, "first", load, 2)?,
        start(sandbox, "second", load, 2)?,
    ];
    let database = sandbox.database()?;
    database.execute_batch("BEGIN IMMEDIATE")?;
    sleep(LONGER);
    database.execute_batch("COMMIT")?;
    sandbox.until_nothing_is_left()?;
    let [first, second] = engines.map(stop);
    executed_exactly(&[first?.events(), second?.events()], 1..=4)?;
    let alive = "SELECT count(*) FROM engines WHERE status = 'stopped'";
    let alive: i64 = database.query_one(alive, [], |row| row.get(0))?;
    ensure!(alive == 2, "{alive} of two engines have lived to the end");
    Ok(())
}

/// Starts an engine that executes so many tasks at once.
pub fn start(sandbox: &Sandbox, name: &str, load: Load, tasks: usize) -> Result<Program> {
    let mut engine = Program::start(sandbox.leased_engine_command(name, load, LEASE))?;
    engine.wait_for("engine started", 1)?;
    engine.wait_for("task is waiting", tasks)?;
    Ok(engine)
}

pub fn kill(engine: Program) -> Result<()> {
    engine.signal(Signal::SIGKILL)?;
    engine.finish()?;
    Ok(())
}

/// These tasks are to end at once, if they are executed again.
fn shorten(sandbox: &Sandbox, tasks: &str) -> Result<()> {
    let update =
        format!(r#"UPDATE tasks SET task_parameters = '{{"waiting_time": 0}}' WHERE {tasks}"#);
    Ok(sandbox.database()?.execute_batch(&update)?)
}
