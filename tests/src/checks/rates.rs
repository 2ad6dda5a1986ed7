use anyhow::{Context, Result, ensure};

use super::common::{executed_exactly, says, soon, sound, stop};
use super::recovery::{kill, start};
use crate::sandbox::{Load, Sandbox};
use crate::{Event, Program};

/// Asks for this, from the step on where one can: until then, a task starts as soon as a worker is free.
fn ask(sandbox: &Sandbox, command: &[&str]) -> Result<()> {
    if !sandbox.is_before("rates") {
        sandbox.run(command)?.success()?;
    }
    Ok(())
}

fn load(workers: u32, waiting_time: f64) -> Load {
    Load {
        workers: Some(workers),
        ..Load::waiting(waiting_time)
    }
}

/// When each execution of the rated kind has started, says the database, in milliseconds.
fn starts(sandbox: &Sandbox) -> Result<Vec<i64>> {
    let database = sandbox.database()?;
    let mut starts = database.prepare(
        "SELECT started_at FROM task_executions JOIN tasks ON tasks.id = task_id
         WHERE task_kind = 'waiting' ORDER BY started_at",
    )?;
    let starts = starts.query_map([], |row| row.get(0))?;
    Ok(starts.collect::<rusqlite::Result<_>>()?)
}

/// No time as long as the period, wherever it begins, holds more: of those that start after each other,
/// one too many is a period later than the first.
fn no_faster(sandbox: &Sandbox, starts_allowed: usize, period_ms: i64) -> Result<()> {
    for window in starts(sandbox)?.windows(starts_allowed + 1) {
        let elapsed = window[starts_allowed] - window[0];
        ensure!(
            elapsed >= period_ms,
            "{} have started within {elapsed} ms, and {starts_allowed} may in {period_ms}",
            starts_allowed + 1,
        );
    }
    Ok(())
}

pub fn rate_holds_over_all_engines(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_database()?;
    ask(sandbox, &["rate", "waiting", "5", "250ms"])?;
    sandbox.create_tasks(40, load(3, 0.02))?;
    let engines = ["first", "second", "third", "fourth"];
    let engines = engines.map(|name| sandbox.start_engine_named(name, load(3, 0.02)));
    let engines = engines.into_iter().collect::<Result<Vec<_>>>()?;
    sandbox.until_nothing_is_left()?;
    let logs = engines.into_iter().map(|engine| Ok(stop(engine)?.events()));
    let logs = logs.collect::<Result<Vec<Vec<Event>>>>()?;
    executed_exactly(&logs, 1..=40)?;
    no_faster(sandbox, 5, 250)
}

/// Four engines, two of which are killed with what they run. What is executed again has started again.
pub fn rate_survives_kills(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(15, load(1, 3600.0))?;
    ask(sandbox, &["rate", "waiting", "2", "200ms"])?;
    let killed = ["first", "second"].map(|name| start(sandbox, name, load(1, 3600.0), 1));
    let killed = killed.into_iter().collect::<Result<Vec<_>>>()?;
    sandbox
        .database()?
        .execute_batch(r#"UPDATE tasks SET task_parameters = '{"waiting_time": 0}'"#)?;
    let others = ["third", "fourth"].map(|name| start(sandbox, name, load(3, 0.0), 0));
    let others = others.into_iter().collect::<Result<Vec<_>>>()?;
    for engine in killed {
        kill(engine)?;
    }
    sandbox.until_nothing_is_left()?;
    for engine in others {
        stop(engine)?;
    }
    let ended = sandbox.count("stopped")?;
    ensure!(ended == 15, "{ended} of 15 tasks have been executed");
    let started = starts(sandbox)?.len();
    ensure!(started >= 17, "{started} executions, and two began again");
    no_faster(sandbox, 2, 200)?;
    sound(sandbox)
}

/// Two workers, and many old tasks of which one may start an hour.
pub fn rated_kind_holds_up_no_other(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(50, load(2, 0.0))?;
    ask(sandbox, &["rate", "waiting", "1", "1h"])?;
    let engine = sandbox.start_engine(load(2, 0.0))?;
    for executed in [21, 41] {
        let other = ["failing", r#"{"divisor": 5}"#, "--count", "20"];
        sandbox.create(&other)?.success()?;
        soon("the tasks of another kind executed", || {
            let started = starts(sandbox)?.len();
            ensure!(started <= 1, "{started} have started, and 1 may an hour");
            Ok(sandbox.count("stopped")? == executed)
        })?;
    }
    stop(engine)?;
    Ok(())
}

/// Nothing happens meanwhile that would wake an engine, and it looks by itself every ten seconds.
pub fn rated_tasks_start_in_their_time(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(10, load(3, 0.0))?;
    ask(sandbox, &["rate", "waiting", "1", "200ms"])?;
    let mut engine = sandbox.engine_command(load(3, 0.0));
    engine.arg("--until-empty");
    let mut engine = Program::start(engine)?;
    engine.wait_for("engine started", 1)?;
    soon("all of them executed", || {
        Ok(sandbox.count("stopped")? == 10)
    })?;
    engine.finish()?.success()?;
    no_faster(sandbox, 1, 200)
}

pub fn changed_rate_counts_at_once(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(4, load(3, 0.0))?;
    ask(sandbox, &["rate", "waiting", "1", "1h"])?;
    let engine = sandbox.start_engine(load(3, 0.0))?;
    let executed = |expected| {
        soon("those that may start executed", || {
            let started = starts(sandbox)?.len();
            ensure!(
                started <= expected,
                "{started} have started, not {expected}"
            );
            Ok(started == expected)
        })
    };
    executed(1)?;
    ask(sandbox, &["rate", "waiting", "1", "50ms"])?;
    executed(4)?;
    ask(sandbox, &["rate", "waiting", "1", "1h"])?;
    sandbox.create_tasks(3, load(3, 0.0))?;
    // What is executed after them shows that a worker has looked.
    sandbox
        .create(&["failing", r#"{"divisor": 5}"#])?
        .success()?;
    soon("a task of another kind executed", || {
        executed(4)?;
        Ok(sandbox.count("stopped")? == 5)
    })?;
    ask(sandbox, &["unrate", "waiting"])?;
    executed(7)?;
    stop(engine)?;
    Ok(())
}

pub fn rates_are_listed(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_database()?;
    let asked = sandbox.run(&["rate", "waiting", "30", "1m"])?.success()?;
    says(&asked, &["waiting has a rate: 30 may start in 1m"])?;
    let again = sandbox.run(&["rate", "waiting", "30", "60s"])?.success()?;
    says(&again, &["waiting had this rate already"])?;
    let misspelt = sandbox.run(&["rate", "wating", "7", "1s"])?.success()?;
    says(&misspelt, &["wating has a rate: 7 may start in 1s; "])?;
    for (starts, period) in [("0", "1s"), ("1", "0s"), ("2", "1ms")] {
        let none = sandbox.run(&["rate", "failing", starts, period])?;
        ensure!(!none.status.success(), "{starts} in {period} is no rate");
    }

    let listed = sandbox.run(&["kinds"])?.success()?;
    let line = |kind: &str| {
        let mut lines = listed.lines.iter();
        let line = lines.find(|line| line.split_whitespace().next() == Some(kind));
        line.with_context(|| format!("no {kind} in:\n{}", listed.text()))
    };
    for (kind, rate) in [
        ("waiting", "30 starting in 1m"),
        ("wating", "7 starting in 1s"),
    ] {
        let line = line(kind)?;
        ensure!(line.contains(rate), "no \"{rate}\" in {line}");
    }
    ensure!(!line("failing")?.contains("at most"), "it has no rate");
    let json = sandbox.run(&["kinds", "--json"])?.success()?;
    says(&json, &["\"max_starts\": 30", "\"period_ms\": 60000"])?;

    let asked = sandbox.run(&["unrate", "waiting"])?.success()?;
    says(&asked, &["waiting has no rate any more"])?;
    let again = sandbox.run(&["unrate", "waiting"])?.success()?;
    says(&again, &["waiting had no rate"])
}
