use anyhow::{Context, Result, ensure};

use super::common::{nothing_created, says, stop, tasks_of};
use super::errors::ONE_WORKER;
use crate::sandbox::{Load, Sandbox};

pub fn higher_priority_first(sandbox: &Sandbox) -> Result<()> {
    create(sandbox, "low", &[])?;
    sandbox.create_tasks(1, Load::waiting(0.0))?;
    create(sandbox, "high", &[])?;
    create(sandbox, "normal", &[])?;
    executed_in_the_order(sandbox, &[3, 2, 4, 1])
}

pub fn equals_in_their_order(sandbox: &Sandbox) -> Result<()> {
    for (priority, year) in [
        ("low", "2001"),
        ("high", "2003"),
        ("low", "2001"),
        ("high", "2002"),
        ("high", "2003"),
    ] {
        let date = format!("{year}-01-01T00:00:00Z");
        create(sandbox, priority, &["--at", &date])?;
    }
    executed_in_the_order(sandbox, &[4, 2, 5, 1, 3])
}

/// Those of a high priority come before it, but not all of them.
pub fn low_priority_has_its_turn(sandbox: &Sandbox) -> Result<()> {
    create(sandbox, "low", &[])?;
    create(sandbox, "high", &["--count", "30"])?;
    let order = execute(sandbox)?;
    ensure!(order.len() == 31, "executed: {order:?}");
    let turn = order.iter().position(|task| *task == 1);
    let turn = 1 + turn.context("it wasn't executed")?;
    ensure!(
        turn > 1,
        "it was executed before those of a higher priority"
    );
    ensure!(turn <= 10, "it had its turn after {} others", turn - 1);
    Ok(())
}

pub fn retried_task_keeps_its_priority(sandbox: &Sandbox) -> Result<()> {
    let failing = sandbox.create(&[&["failing"], &*priority(sandbox, "low")].concat())?;
    failing.success()?;
    let mut engine = sandbox.start_engine(ONE_WORKER)?;
    engine.wait_for("task failed", 1)?;
    stop(engine)?;
    ensure!(sandbox.ids("waiting")? == [1], "it waits for no retry");
    // A minute is long; what made it fail is mended meanwhile.
    sandbox.database()?.execute_batch(
        r#"UPDATE tasks SET scheduled_at = 0, task_parameters = '{"divisor": 8}'"#,
    )?;
    create(sandbox, "normal", &[])?;
    executed_in_the_order(sandbox, &[2, 1])
}

pub fn priority_shown(sandbox: &Sandbox) -> Result<()> {
    create(sandbox, "high", &[])?;
    create(sandbox, "low", &[])?;
    for (id, priority) in [("1", "high"), ("2", "low")] {
        says(&sandbox.show(id)?.success()?, &[priority])?;
    }
    says(&sandbox.list(&[])?.success()?, &["high", "low"])
}

pub fn unknown_priority_refused(sandbox: &Sandbox) -> Result<()> {
    let task = ["waiting", r#"{"waiting_time": 0}"#, "--priority", "urgent"];
    let refused = sandbox.create(&task)?.exited(2)?;
    says(&refused, &["urgent", "high", "normal", "low"])?;
    nothing_created(sandbox)?;

    sandbox.create_tasks(1, Load::waiting(0.0))?;
    let update = "UPDATE tasks SET priority = 'urgent'";
    let updated = sandbox.database()?.execute_batch(update);
    ensure!(updated.is_err(), "the database takes any word");
    Ok(())
}

/// The option that asks for this priority, from the step on where there is one: until then, tasks
/// have none, and their order shows it.
fn priority<'a>(sandbox: &Sandbox, word: &'a str) -> Vec<&'a str> {
    if sandbox.is_before("priority") {
        return Vec::new();
    }
    vec!["--priority", word]
}

/// Creates tasks of this priority that do nothing.
fn create(sandbox: &Sandbox, word: &str, options: &[&str]) -> Result<()> {
    let task = ["waiting", r#"{"waiting_time": 0}"#];
    let arguments = [&task, options, &priority(sandbox, word)].concat();
    sandbox.create(&arguments)?.success()?;
    Ok(())
}

/// Executes all that waits with one worker, and gives the tasks in their order.
fn execute(sandbox: &Sandbox) -> Result<Vec<i64>> {
    let engine = sandbox.start_engine(ONE_WORKER)?;
    let events = sandbox.drain(engine)?.success()?.events();
    Ok(tasks_of(&events, "task finished"))
}

fn executed_in_the_order(sandbox: &Sandbox, expected: &[i64]) -> Result<()> {
    let order = execute(sandbox)?;
    ensure!(order == expected, "they ran in the order {order:?}");
    Ok(())
}
