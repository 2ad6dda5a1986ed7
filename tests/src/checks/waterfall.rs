use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::common::{readable_on_a_terminal, says};
use super::correlation::{ORDER, belong};
use crate::sandbox::{Load, Sandbox};
use crate::{Finished, Program};

/// An order, what it has created, and what that has created, executed by two engines one after the
/// other; and a task that belongs to nothing.
pub fn trace_shows_the_tree(sandbox: &Sandbox) -> Result<()> {
    executed_by_two_engines(sandbox)?;

    let shown = trace(sandbox, &[ORDER])?;
    let text = shown.text();
    ensure!(numbers(&shown) == [1, 2, 3], "shown:\n{text}");
    for what in ["1", "3"] {
        let tasks = numbers(&trace(sandbox, &[what])?);
        ensure!(tasks == [1, 2, 3], "the number {what} leads to {tasks:?}");
    }
    let none = sandbox.run(&["trace", "order-43"])?.exited(1)?;
    says(&none, &["order-43"])?;

    let tasks: Vec<_> = shown.lines.iter().filter(|line| is_a_task(line)).collect();
    let rises = |columns: Vec<Option<usize>>| {
        columns[0].is_some() && columns.iter().is_sorted_by(|before, after| before < after)
    };
    let kinds = tasks.iter().map(|line| line.find("waiting")).collect();
    ensure!(
        rises(kinds),
        "no generation is further to the right:\n{text}"
    );
    let bars = |range: &[usize]| -> Vec<_> {
        let tasks = range.iter().map(|index| tasks[*index]);
        tasks
            .map(|line| line.chars().position(|letter| letter == '█'))
            .collect()
    };
    ensure!(
        rises(bars(&[0, 1])),
        "the second bar isn't after the first:\n{text}"
    );
    ensure!(
        rises(bars(&[0, 2])),
        "the third bar isn't after the first:\n{text}"
    );
    Ok(())
}

/// Whatever another program has made of the parents.
pub fn trace_survives_odd_families(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_database()?;
    let families = [
        // In a circle, with a child; its own parent; and a parent that doesn't exist.
        "VALUES (1, 3), (2, 1), (3, 2), (4, 2), (5, 5), (6, 77), (7, NULL)",
        "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
         SELECT i + 1 AS column1, iif(i = 0, NULL, 1) AS column2 FROM n",
    ];
    for family in families {
        let insert = format!(
            "DELETE FROM tasks;
             INSERT INTO tasks (id, task_kind, task_parameters, context, created_at, updated_at)
             SELECT column1, 'waiting', '{{}}',
                    json_object('correlation', '{ORDER}', 'parent', column2), 0, 0
             FROM ({family})"
        );
        sandbox.database()?.execute_batch(&insert)?;
        let expected: i64 =
            sandbox
                .database()?
                .query_one("SELECT count(*) FROM tasks", [], |row| row.get(0))?;
        let shown = trace(sandbox, &[ORDER])?;
        readable_on_a_terminal(&shown)?;
        let mut tasks = numbers(&shown);
        tasks.sort_unstable();
        ensure!(
            tasks.iter().copied().eq(1..=expected),
            "{} of {expected} tasks are shown",
            tasks.len()
        );
    }
    Ok(())
}

pub fn trace_json(sandbox: &Sandbox) -> Result<()> {
    executed_by_two_engines(sandbox)?;
    let shown = trace(sandbox, &[ORDER, "--json"])?.text();
    let json: Value = serde_json::from_str(&shown).with_context(|| shown.clone())?;
    let tasks = json
        .as_array()
        .with_context(|| format!("no array: {shown}"))?;
    let family: Vec<_> = tasks
        .iter()
        .map(|task| {
            (
                task["id"].as_i64(),
                task["parent"].as_i64(),
                task["depth"].as_i64(),
            )
        })
        .collect();
    let expected = [
        (Some(1), None, Some(0)),
        (Some(2), Some(1), Some(1)),
        (Some(3), Some(2), Some(2)),
    ];
    ensure!(family == expected, "the family is {family:?}");
    for task in tasks {
        ensure!(task["correlation"] == ORDER, "correlation: {task}");
        let execution = &task["executions"][0];
        ensure!(execution["status"] == "success", "executions: {task}");
        let date = |name: &str| execution[name].as_str()?.parse::<jiff::Timestamp>().ok();
        ensure!(date("started_at").is_some(), "it has no beginning: {task}");
        ensure!(date("started_at") <= date("stopped_at"), "its end: {task}");
    }
    Ok(())
}

fn executed_by_two_engines(sandbox: &Sandbox) -> Result<()> {
    let load = Load::waiting(0.2);
    sandbox.create_tasks(1, load)?;
    belong(sandbox, "1", r#"{"correlation": "order-42"}"#)?;
    execute(sandbox, load)?;
    sandbox.create_tasks(3, load)?;
    belong(sandbox, "2", r#"{"correlation": "order-42", "parent": 1}"#)?;
    belong(sandbox, "3", r#"{"correlation": "order-42", "parent": 2}"#)?;
    execute(sandbox, load)
}

fn execute(sandbox: &Sandbox, load: Load) -> Result<()> {
    let engine = sandbox.start_engine(load)?;
    sandbox.drain(engine)?.success()?;
    Ok(())
}

fn trace(sandbox: &Sandbox, arguments: &[&str]) -> Result<Finished> {
    let mut command = sandbox.command(&[&["trace"], arguments].concat());
    command.env("COLUMNS", "80");
    Program::start(command)?.finish()?.success()
}

/// The tasks shown, in their order: each line of one begins with its number.
fn numbers(shown: &Finished) -> Vec<i64> {
    let lines = shown.lines.iter();
    lines.filter_map(|line| number(line)).collect()
}

fn is_a_task(line: &str) -> bool {
    number(line).is_some()
}

fn number(line: &str) -> Option<i64> {
    line.split_whitespace().next()?.parse().ok()
}
