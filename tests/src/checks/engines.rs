use anyhow::{Context, Result, ensure};

use super::common::{says, stop, tasks_of};
use crate::Program;
use crate::sandbox::{Load, Sandbox};

/// Whatever its name, its host and its process, which are given again.
pub fn each_start_is_a_row(sandbox: &Sandbox) -> Result<()> {
    let mut expected = Vec::new();
    for (number, name) in (1..).zip(["first", "second", "first"]) {
        let mut engine = sandbox.start_engine_named(name, Load::waiting(0.0))?;
        engine.wait_for("engine started", 1)?;
        expected.push((number, name.to_owned(), i64::from(engine.id()), true));
        stop(engine)?;
    }
    let rows = "SELECT id, name, pid, status = 'stopped' AND stopped_at >= started_at
                FROM engines ORDER BY id";
    let database = sandbox.database()?;
    let mut rows = database.prepare(rows)?;
    let rows = rows.query_map([], |row| row.try_into())?;
    let rows: Vec<(i64, String, i64, bool)> = rows.collect::<rusqlite::Result<_>>()?;
    ensure!(rows == expected, "engines: {rows:?}");
    Ok(())
}

/// Two engines side by side, whose tasks are told from each other.
pub fn running_tasks_carry_the_number_of_their_engine(sandbox: &Sandbox) -> Result<()> {
    let load = Load {
        workers: Some(2),
        ..Load::waiting(3600.0)
    };
    sandbox.create_tasks(5, load)?;
    let mut engines = [
        sandbox.start_engine_named("first", load)?,
        sandbox.start_engine_named("second", load)?,
    ];
    for engine in &mut engines {
        engine.wait_for("task is waiting", 2)?;
        let pid = engine.id();
        let tasks = running(sandbox, pid)?;
        let mut expected = tasks_of(&engine.events(), "task is waiting");
        expected.sort_unstable();
        ensure!(
            tasks == expected,
            "{pid} runs {expected:?}, its row {tasks:?}"
        );
    }
    let listed = sandbox.run(&["engines"])?.success()?;
    for engine in engines {
        let tasks = running(sandbox, engine.id())?;
        let text = listed.text();
        let line = text.lines().find(|line| told(line, &engine));
        let line = line.with_context(|| format!("{} isn't in: {text}", engine.id()))?;
        let words: Vec<_> = line.split_whitespace().collect();
        let last = [tasks[0].to_string(), tasks[1].to_string()];
        ensure!(
            words.ends_with(&[&last[0], &last[1]]),
            "{tasks:?} aren't in: {line}"
        );
        ensure!(words.contains(&"alive"), "it isn't alive: {line}");
    }
    says(&listed, &["first", "second"])
}

fn told(line: &str, engine: &Program) -> bool {
    line.contains(&format!(":{} ", engine.id()))
}

fn running(sandbox: &Sandbox, pid: u32) -> Result<Vec<i64>> {
    let tasks = "SELECT tasks.id FROM tasks JOIN engines ON engines.id = engine_id
                 WHERE tasks.status = 'running' AND pid = ?1 ORDER BY tasks.id";
    let database = sandbox.database()?;
    let mut tasks = database.prepare(tasks)?;
    let tasks = tasks.query_map([pid], |row| row.get(0))?;
    Ok(tasks.collect::<rusqlite::Result<_>>()?)
}
