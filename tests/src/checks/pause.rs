use anyhow::{Context, Result, ensure};
use jiff::Timestamp;

use super::common::{says, soon, stop, tasks_of};
use super::recovery::{kill, start};
use crate::sandbox::{Load, Sandbox};
use crate::{Finished, Program};

/// A kind that isn't paused, and does its work at once.
const OTHER: [&str; 3] = ["failing", r#"{"divisor": 5}"#, "--count"];

const FLOOD: u32 = 1500;

/// Asks for this, from the step on where one can: until then, nothing changes.
fn ask(sandbox: &Sandbox, command: &str, kinds: &[&str]) -> Result<Option<Finished>> {
    if sandbox.is_before("pause") {
        return Ok(None);
    }
    let asked = sandbox.run(&[&[command], kinds].concat())?;
    asked.success().map(Some)
}

/// How many tasks that wait have been started so far.
fn started(sandbox: &Sandbox) -> Result<i64> {
    let started = "SELECT count(*) FROM task_executions JOIN tasks ON tasks.id = task_id
                   WHERE task_kind = 'waiting'";
    Ok(sandbox
        .database()?
        .query_one(started, [], |row| row.get(0))?)
}

/// Gives the engines other tasks, and waits until they are executed.
fn others_go_on(sandbox: &Sandbox) -> Result<()> {
    sandbox.create(&[&OTHER[..], &["20"]].concat())?.success()?;
    let left = "SELECT count(*) FROM tasks
                WHERE task_kind = 'failing' AND status IN ('waiting', 'running')";
    let database = sandbox.database()?;
    soon("the tasks of another kind executed", || {
        Ok(0 == database.query_one(left, [], |row| row.get::<_, i64>(0))?)
    })
}

/// Two engines have thousands of tasks to execute. From the moment on when the command has ended,
/// none starts, whatever becomes of the engines, until the other command.
pub fn pause_stops_a_flood(sandbox: &Sandbox) -> Result<()> {
    let load = Load {
        workers: Some(4),
        ..Load::waiting(0.01)
    };
    sandbox.create_tasks(FLOOD, load)?;
    let mut engines = vec![
        sandbox.start_engine_named("first", load)?,
        sandbox.start_engine_named("second", load)?,
    ];
    for engine in &mut engines {
        engine.wait_for("task finished", 50)?;
    }

    ask(sandbox, "pause", &["waiting"])?;
    let before = started(sandbox)?;
    ensure!(before < i64::from(FLOOD), "the flood is over too soon");
    others_go_on(sandbox)?;
    soon(
        "the running ones end",
        || Ok(sandbox.count("running")? == 0),
    )?;
    for engine in engines {
        let finished = stop(engine)?;
        let started = tasks_of(&finished.events(), "task started").len();
        let ended = tasks_of(&finished.events(), "task finished").len();
        ensure!(started == ended, "{started} are started, {ended} ended");
    }
    let again = [
        sandbox.start_engine_named("third", load)?,
        sandbox.start_engine_named("fourth", load)?,
    ];
    others_go_on(sandbox)?;
    let after = started(sandbox)?;
    ensure!(
        after == before,
        "{} are started nevertheless",
        after - before
    );

    ask(sandbox, "resume", &["waiting"])?;
    sandbox.until_nothing_is_left()?;
    for engine in again {
        stop(engine)?;
    }
    let once = "SELECT count(*) FROM tasks WHERE status = 'stopped' AND 1 =
                (SELECT count(*) FROM task_executions WHERE task_id = tasks.id)";
    let once: i64 = sandbox.database()?.query_one(once, [], |row| row.get(0))?;
    ensure!(once == i64::from(FLOOD) + 40, "{once} are executed once");
    Ok(())
}

/// What is due, but paused, isn't waited for: another command decides when it is executed.
pub fn until_empty_leaves_paused_tasks(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(3, Load::waiting(0.0))?;
    sandbox.create(&[&OTHER[..], &["1"]].concat())?.success()?;
    ask(sandbox, "pause", &["waiting"])?;
    let mut engine = sandbox.engine_command(Load::waiting(0.0));
    engine.arg("--until-empty");
    let ended = Program::start(engine)?.finish()?.success()?;

    let left = sandbox.ids("waiting")?;
    ensure!(left == [1, 2, 3], "left waiting: {left:?}");
    ensure!(sandbox.ids("stopped")? == [4], "the other one is left too");
    says(&ended, &["tasks of a paused kind are left waiting"])
}

/// Those of a dead engine are put back, and wait like the others.
pub fn tasks_of_a_killed_engine_stay_paused(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(2, Load::waiting(3600.0))?;
    let killed = start(sandbox, "killed", Load::waiting(3600.0), 2)?;
    sandbox
        .database()?
        .execute_batch(r#"UPDATE tasks SET task_parameters = '{"waiting_time": 0}'"#)?;
    ask(sandbox, "pause", &["waiting"])?;
    kill(killed)?;

    let mut engine = start(sandbox, "other", Load::waiting(0.0), 0)?;
    engine.wait_for("task put back: its engine is dead", 2)?;
    others_go_on(sandbox)?;
    ensure!(started(sandbox)? == 2, "they are executed again");
    let waiting = sandbox.ids("waiting")?;
    ensure!(waiting == [1, 2], "left waiting: {waiting:?}");

    ask(sandbox, "resume", &["waiting"])?;
    sandbox.until_nothing_is_left()?;
    stop(engine)?;
    Ok(())
}

/// A kind that nobody knows may be one that is misspelt.
pub fn paused_kinds_are_listed(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(2, Load::waiting(0.0))?;
    let asked = sandbox.run(&["pause", "waiting", "wating"])?.success()?;
    says(&asked, &["waiting is paused", "wating is paused; "])?;
    let again = sandbox.run(&["pause", "waiting"])?.success()?;
    says(&again, &["waiting was paused already"])?;

    let listed = sandbox.run(&["kinds"])?.success()?;
    let line = |kind: &str| {
        let mut lines = listed.lines.iter();
        let line = lines.find(|line| line.split_whitespace().next() == Some(kind));
        line.with_context(|| format!("no {kind} in:\n{}", listed.text()))
    };
    let since = "SELECT paused_at FROM paused_kinds WHERE task_kind = 'waiting'";
    let since = sandbox.database()?.query_one(since, [], |row| row.get(0))?;
    let since = format!("{:.0}", Timestamp::from_millisecond(since)?);
    let waiting = line("waiting")?;
    ensure!(waiting.contains(&since), "not since {since}: {waiting}");
    let counts = ["2", "0"].map(|count| waiting.split_whitespace().any(|word| word == count));
    ensure!(counts == [true; 2], "2 wait, 0 run: {waiting}");
    ensure!(line("wating")?.contains("unknown"), "it is known");
    ensure!(!line("failing")?.contains(&since), "it is paused too");

    let asked = sandbox.run(&["resume", "waiting", "failing"])?.success()?;
    says(&asked, &["waiting is resumed", "failing wasn't paused"])
}
