use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;

use super::common::{says, soon, sound, stop};
use super::errors::ONE_WORKER;
use super::recovery::{kill, start};
use crate::sandbox::{Load, Sandbox};
use crate::{Finished, Program};

const INSTANT: [&str; 2] = ["waiting", r#"{"waiting_time": 0}"#];

const ENDLESS: [&str; 2] = ["waiting", r#"{"waiting_time": 3600}"#];

/// How long a program that has nothing to wait for is given to go on.
const A_WHILE: Duration = Duration::from_millis(500);

/// Asks for this, from the step on where one can: until then, as many tasks wait as come.
fn ask(sandbox: &Sandbox, command: &[&str]) -> Result<()> {
    if !sandbox.is_before("backpressure") {
        sandbox.run(command)?.success()?;
    }
    Ok(())
}

/// A database where so many tasks of this kind may wait.
fn bounded(sandbox: &Sandbox, kind: &str, waiting: u32) -> Result<()> {
    sandbox.create_database()?;
    ask(sandbox, &["bound", kind, &waiting.to_string()])
}

/// Starts a program that creates a task, once there is room.
fn creator(sandbox: &Sandbox) -> Result<Program> {
    let mut command = [&["create"], &INSTANT[..]].concat();
    if !sandbox.is_before("backpressure") {
        command.push("--wait");
    }
    Program::start(sandbox.command(&command))
}

/// The program goes on waiting, and no more tasks than these wait.
fn waits(sandbox: &Sandbox, creator: &mut Program, tasks: i64) -> Result<()> {
    let waits = creator.stays_alive(A_WHILE);
    let count = sandbox.count("waiting")?;
    ensure!(count == tasks, "{count} tasks wait, and {tasks} may");
    waits
}

/// A creation that isn't done, since so many tasks wait: nothing else is a reason.
fn refused(sandbox: &Sandbox, task: &[&str], waiting: i64) -> Result<Finished> {
    let before = sandbox.count("waiting")?;
    let created = sandbox.create(task)?;
    let after = sandbox.count("waiting")?;
    ensure!(
        after == before,
        "one more task is created, when {waiting} may wait and {before} do"
    );
    let refused = created.exited(5)?;
    says(&refused, &["no room", &format!("{waiting} wait")])?;
    Ok(refused)
}

/// Forty processes create at once, and each of them wants its task to be the tenth one.
pub fn bound_is_exact_whoever_creates(sandbox: &Sandbox) -> Result<()> {
    bounded(sandbox, "waiting", 10)?;
    // They all wait for this one.
    let other = sandbox.database()?;
    other.execute_batch("BEGIN IMMEDIATE")?;
    let command = [&["create"], &INSTANT[..]].concat();
    let creators = (0..40).map(|_| Program::start(sandbox.command(&command)));
    let creators = creators.collect::<Result<Vec<_>>>()?;
    sleep(Duration::from_millis(200));
    other.execute_batch("ROLLBACK")?;
    let ended = creators.into_iter().map(Program::finish);
    let ended = ended.collect::<Result<Vec<_>>>()?;
    let waiting = sandbox.count("waiting")?;
    ensure!(waiting == 10, "{waiting} tasks wait, and 10 may");
    let refused = ended
        .into_iter()
        .filter(|creator| creator.status.code() == Some(5));
    let mut count = 0;
    for creator in refused {
        says(&creator, &["no room", "10 wait"])?;
        count += 1;
    }
    ensure!(count == 30, "{count} creations are refused, not 30");
    Ok(())
}

/// Those that it can't create, it doesn't begin to.
pub fn creations_of_one_command_are_all_done_or_none(sandbox: &Sandbox) -> Result<()> {
    bounded(sandbox, "waiting", 5)?;
    sandbox.create_tasks(3, Load::waiting(0.0))?;
    let three = [&INSTANT[..], &["--count", "3"]].concat();
    refused(sandbox, &three, 5)?;
    sandbox.create_tasks(2, Load::waiting(0.0))?;
    let waiting = sandbox.count("waiting")?;
    ensure!(
        waiting == 5,
        "{waiting} tasks wait, and there was room for 5"
    );
    Ok(())
}

pub fn creator_waits_for_room_and_goes_on(sandbox: &Sandbox) -> Result<()> {
    bounded(sandbox, "waiting", 2)?;
    sandbox.create_tasks(2, Load::waiting(0.0))?;
    let mut creators = [creator(sandbox)?, creator(sandbox)?];
    for creator in &mut creators {
        waits(sandbox, creator, 2)?;
    }
    let engine = sandbox.start_engine(ONE_WORKER)?;
    for creator in creators {
        says(
            &creator.finish()?.success()?,
            &["no room", "1 task created"],
        )?;
    }
    sandbox.until_nothing_is_left()?;
    stop(engine)?;
    let executed = sandbox.count("stopped")?;
    ensure!(executed == 4, "{executed} tasks are executed, not 4");
    Ok(())
}

/// Without an engine: somebody changes his mind.
pub fn creator_goes_on_once_the_bound_is_raised(sandbox: &Sandbox) -> Result<()> {
    bounded(sandbox, "waiting", 0)?;
    for (command, tasks) in [
        (&["bound", "waiting", "1"][..], 0),
        (&["cancel", "1"], 1),
        (&["unbound", "waiting"], 1),
    ] {
        let mut creator = creator(sandbox)?;
        waits(sandbox, &mut creator, tasks)?;
        ask(sandbox, command)?;
        says(&creator.finish()?.success()?, &["1 task created"])?;
    }
    Ok(())
}

pub fn killed_creator_leaves_nothing(sandbox: &Sandbox) -> Result<()> {
    bounded(sandbox, "waiting", 1)?;
    sandbox.create_tasks(1, Load::waiting(0.0))?;
    let mut killed = creator(sandbox)?;
    let mut other = creator(sandbox)?;
    waits(sandbox, &mut killed, 1)?;
    waits(sandbox, &mut other, 1)?;
    killed.signal(Signal::SIGKILL)?;
    killed.finish()?;
    let engine = sandbox.start_engine(ONE_WORKER)?;
    other.finish()?.success()?;
    sandbox.until_nothing_is_left()?;
    stop(engine)?;
    let executed = sandbox.count("stopped")?;
    ensure!(executed == 2, "{executed} tasks are executed, not 2");
    sound(sandbox)
}

/// It was accepted once: a bound is for those that come.
pub fn task_that_comes_back_is_not_refused(sandbox: &Sandbox) -> Result<()> {
    bounded(sandbox, "waiting", 1)?;
    sandbox.create(&ENDLESS)?.success()?;
    let engine = start(sandbox, "killed", ONE_WORKER, 1)?;
    sandbox.create(&ENDLESS)?.success()?;
    refused(sandbox, &ENDLESS, 1)?;
    kill(engine)?;
    let mut other = start(sandbox, "other", ONE_WORKER, 0)?;
    other.wait_for("task put back: its engine is dead", 1)?;
    soon("both are there, beyond the bound", || {
        Ok(sandbox.count("waiting")? + sandbox.count("running")? == 2)
    })?;
    kill(other)?;

    bounded_retry(sandbox)
}

/// A task that has failed waits for its retry, and one that has ended is put back by hand.
fn bounded_retry(sandbox: &Sandbox) -> Result<()> {
    sandbox.database()?.execute_batch("DELETE FROM tasks")?;
    ask(sandbox, &["bound", "failing", "1"])?;
    sandbox.create(&["failing"])?.success()?;
    let mut engine = sandbox.start_engine(ONE_WORKER)?;
    engine.wait_for("task failed", 1)?;
    refused(sandbox, &["failing"], 1)?;
    stop(engine)?;
    let database = sandbox.database()?;
    database.execute_batch("UPDATE tasks SET status = 'failed'")?;
    sandbox.create(&["failing"])?.success()?;
    let id: i64 = database.query_one("SELECT min(id) FROM tasks", [], |row| row.get(0))?;
    sandbox.run(&["retry", &id.to_string()])?.success()?;
    let waiting = sandbox.count("waiting")?;
    ensure!(waiting == 2, "{waiting} wait, and 2 were accepted");
    Ok(())
}

/// Those of other kinds, and one that exists already.
pub fn what_needs_no_room_is_not_refused(sandbox: &Sandbox) -> Result<()> {
    bounded(sandbox, "waiting", 1)?;
    let twin = [&INSTANT[..], &["--unique", "a"]].concat();
    sandbox.create(&twin)?.success()?;
    refused(sandbox, &INSTANT, 1)?;
    says(
        &sandbox.create(&twin)?.success()?,
        &["task 1 exists already"],
    )?;
    sandbox.create(&["failing"])?.success()?;
    // Those for later take their room.
    sandbox.run(&["cancel", "1"])?.success()?;
    let later = [&INSTANT[..], &["--in", "1h"]].concat();
    sandbox.create(&later)?.success()?;
    refused(sandbox, &later, 1)?;
    Ok(())
}

/// The age is that of the one that has been due for the longest time.
pub fn bound_and_age_are_listed(sandbox: &Sandbox) -> Result<()> {
    bounded(sandbox, "waiting", 3)?;
    sandbox.create_tasks(2, Load::waiting(0.0))?;
    ask(sandbox, &["bound", "wating", "7"])?;
    let older = "UPDATE tasks SET created_at = created_at - 100000000,
                 scheduled_at = scheduled_at - 7200000 - 60000 * id, priority = 'low'
                 WHERE id = 2";
    sandbox.database()?.execute_batch(older)?;

    let listed = sandbox.run(&["kinds"])?.success()?;
    let line = |kind: &str| {
        let mut lines = listed.lines.iter();
        let line = lines.find(|line| line.split_whitespace().next() == Some(kind));
        line.with_context(|| format!("no {kind} in:\n{}", listed.text()))
    };
    let waiting = line("waiting")?;
    ensure!(
        waiting.contains("2h 2m"),
        "the oldest is due for 2h 2m: {waiting}"
    );
    for (line, bound) in [(waiting, "3"), (line("wating")?, "7")] {
        let told = line.split_whitespace().any(|word| word == bound);
        ensure!(told, "{bound} may wait: {line}");
    }
    ensure!(!line("failing")?.contains("2h"), "nothing of it waits");

    let json = sandbox.run(&["kinds", "--json"])?.success()?.text();
    let json: Value = serde_json::from_str(&json)?;
    let mut kinds = json.as_array().context("an array")?.iter();
    let kind = kinds.find(|kind| kind["kind"] == "waiting").context("it")?;
    ensure!(kind["max_waiting"] == 3, "its bound is {kind}");
    ensure!(kind["oldest_since"].is_string(), "its age is {kind}");
    Ok(())
}
