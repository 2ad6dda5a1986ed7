use anyhow::{Context, Result, ensure};

use super::common::{executed_exactly, says, soon, sound, stop};
use super::recovery::{kill, start};
use crate::sandbox::{Load, Sandbox};
use crate::{Event, Program};

/// A kind that isn't limited, and does its work at once.
const OTHER: [&str; 4] = ["failing", r#"{"divisor": 5}"#, "--count", "20"];

/// Asks for this, from the step on where one can: until then, as many run as there are workers.
fn ask(sandbox: &Sandbox, command: &[&str]) -> Result<()> {
    if !sandbox.is_before("limits") {
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

/// The database says when each execution has started, and when it has ended.
fn no_more_at_once(sandbox: &Sandbox, limit: i64) -> Result<()> {
    let most = "WITH limited (begun_at, ended_at) AS (
                    SELECT started_at, stopped_at FROM task_executions
                    JOIN tasks ON tasks.id = task_id WHERE task_kind = 'waiting'
                ),
                changes (at, change) AS (
                    SELECT begun_at, 1 FROM limited
                    UNION ALL SELECT ended_at, -1 FROM limited WHERE ended_at NOT NULL
                )
                SELECT max(running)
                FROM (SELECT sum(change) OVER (ORDER BY at, change) AS running FROM changes)";
    let most: i64 = sandbox.database()?.query_one(most, [], |row| row.get(0))?;
    ensure!(most <= limit, "{most} ran at once, and {limit} may");
    Ok(())
}

/// So many run, and none is about to start.
fn running(sandbox: &Sandbox, expected: i64) -> Result<()> {
    let database = sandbox.database()?;
    let count = |condition| {
        let count = format!("SELECT count(*) FROM tasks WHERE {condition}");
        database.query_one(&count, [], |row| row.get::<_, i64>(0))
    };
    let running = || {
        let running = count("task_kind = 'waiting' AND status = 'running'")?;
        ensure!(running <= expected, "{running} run, and {expected} may");
        Ok(running)
    };
    soon("they start", || Ok(running()? == expected))?;
    // What is executed after them shows that a worker has looked.
    sandbox.create(&OTHER)?.success()?;
    soon("the tasks of another kind executed", || {
        running()?;
        Ok(count("task_kind = 'failing' AND status <> 'stopped'")? == 0)
    })
}

pub fn limit_holds_over_all_engines(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_database()?;
    ask(sandbox, &["limit", "waiting", "2"])?;
    sandbox.create_tasks(60, load(3, 0.02))?;
    let engines = ["first", "second", "third", "fourth"];
    let engines = engines.map(|name| sandbox.start_engine_named(name, load(3, 0.02)));
    let engines = engines.into_iter().collect::<Result<Vec<_>>>()?;
    sandbox.until_nothing_is_left()?;
    let logs = engines.into_iter().map(|engine| Ok(stop(engine)?.events()));
    let logs = logs.collect::<Result<Vec<Vec<Event>>>>()?;
    executed_exactly(&logs, 1..=60)?;
    no_more_at_once(sandbox, 2)
}

/// Two workers, and many old tasks of which one may run.
pub fn limited_kind_holds_up_no_other(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(50, load(2, 3600.0))?;
    ask(sandbox, &["limit", "waiting", "1"])?;
    let engine = sandbox.start_engine(load(2, 3600.0))?;
    running(sandbox, 1)?;
    kill(engine)
}

pub fn killed_engine_keeps_no_place(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(2, load(2, 3600.0))?;
    ask(sandbox, &["limit", "waiting", "1"])?;
    let killed = start(sandbox, "killed", load(2, 3600.0), 1)?;
    running(sandbox, 1)?;
    sandbox
        .database()?
        .execute_batch(r#"UPDATE tasks SET task_parameters = '{"waiting_time": 0}'"#)?;
    kill(killed)?;

    let mut engine = start(sandbox, "other", load(2, 0.0), 0)?;
    engine.wait_for("task put back: its engine is dead", 1)?;
    sandbox.until_nothing_is_left()?;
    stop(engine)?;
    no_more_at_once(sandbox, 1)?;
    sound(sandbox)
}

pub fn changed_limit_counts_at_once(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(5, load(6, 3600.0))?;
    ask(sandbox, &["limit", "waiting", "1"])?;
    let engine = sandbox.start_engine(load(6, 3600.0))?;
    running(sandbox, 1)?;
    ask(sandbox, &["limit", "waiting", "3"])?;
    running(sandbox, 3)?;
    ask(sandbox, &["unlimit", "waiting"])?;
    running(sandbox, 5)?;
    kill(engine)
}

/// Another engine has the only place: what is left isn't forgotten.
pub fn until_empty_waits_for_limited_tasks(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(3, load(1, 0.5))?;
    ask(sandbox, &["limit", "waiting", "1"])?;
    let mut other = sandbox.start_engine_named("other", load(1, 0.5))?;
    other.wait_for("task started", 1)?;
    let mut engine = sandbox.engine_command(load(5, 0.5));
    engine.arg("--until-empty");
    Program::start(engine)?.finish()?.success()?;
    let waiting = sandbox.ids("waiting")?;
    ensure!(waiting.is_empty(), "left waiting: {waiting:?}");
    sandbox.until_nothing_is_left()?;
    stop(other)?;
    no_more_at_once(sandbox, 1)
}

pub fn limits_are_listed(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_database()?;
    let asked = sandbox.run(&["limit", "waiting", "2"])?.success()?;
    says(&asked, &["waiting is limited: 2 may run at once"])?;
    let again = sandbox.run(&["limit", "waiting", "2"])?.success()?;
    says(&again, &["waiting was limited so already"])?;
    let misspelt = sandbox.run(&["limit", "wating", "7"])?.success()?;
    says(&misspelt, &["wating is limited: 7 may run at once; "])?;
    let none = sandbox.run(&["limit", "waiting", "0"])?;
    ensure!(!none.status.success(), "a limit of 0 is none");

    let listed = sandbox.run(&["kinds"])?.success()?;
    let line = |kind: &str| {
        let mut lines = listed.lines.iter();
        let line = lines.find(|line| line.split_whitespace().next() == Some(kind));
        line.with_context(|| format!("no {kind} in:\n{}", listed.text()))
    };
    for (kind, limit) in [("waiting", 2), ("wating", 7)] {
        let (line, words) = (line(kind)?, format!("at most {limit} running"));
        ensure!(line.contains(&words), "no \"{words}\" in {line}");
    }
    ensure!(!line("failing")?.contains("at most"), "it isn't limited");

    let asked = sandbox.run(&["unlimit", "waiting"])?.success()?;
    says(&asked, &["waiting isn't limited any more"])?;
    let again = sandbox.run(&["unlimit", "waiting"])?.success()?;
    says(&again, &["waiting wasn't limited"])
}
