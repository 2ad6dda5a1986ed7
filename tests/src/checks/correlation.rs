use anyhow::{Result, ensure};

use super::common::{executions, says, stop};
use super::errors::ONE_WORKER;
use crate::sandbox::{Load, Sandbox};
use crate::{Event, Finished};

pub const ORDER: &str = "order-42";

/// Three tasks of two orders, and one of none.
pub fn log_of_an_order_has_its_id(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(4, Load::waiting(0.1))?;
    belong(sandbox, "1, 3", r#"{"correlation": "order-42"}"#)?;
    belong(sandbox, "2", r#"{"correlation": "order-43"}"#)?;
    let engine = sandbox.start_engine(Load::waiting(0.1))?;
    let finished = sandbox.drain(engine)?.success()?;

    for message in ["task started", "task is waiting", "task finished"] {
        let tasks = tasks_of_the_order(&finished, message);
        ensure!(
            tasks == [1, 3],
            "\"{message}\" bears {ORDER} for the tasks {tasks:?}, instead of 1 and 3:\n{}",
            finished.text()
        );
    }
    Ok(())
}

pub fn correlation_asked_for_on_creation(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(2, Load::waiting(0.0))?;
    belong(sandbox, "2", r#"{"correlation": "order-42", "parent": 1}"#)?;
    says(&sandbox.show("2")?.success()?, &[ORDER, "parent"])?;

    let arguments = ["failing", "--count", "2", "--correlation", "order-43"];
    sandbox.create(&arguments)?.success()?;
    says(&sandbox.show("4")?.success()?, &["order-43"])?;
    let count = "SELECT count(*) FROM tasks WHERE context ->> 'correlation' = 'order-43'";
    let count: i64 = sandbox.database()?.query_one(count, [], |row| row.get(0))?;
    ensure!(
        count == 2,
        "{count} tasks of 2 have the id in their context"
    );
    Ok(())
}

pub fn retried_task_keeps_its_correlation(sandbox: &Sandbox) -> Result<()> {
    sandbox.create(&["failing"])?.success()?;
    belong(sandbox, "1", r#"{"correlation": "order-42"}"#)?;
    let mut engine = sandbox.start_engine(ONE_WORKER)?;
    engine.wait_for("task failed", 1)?;
    sandbox
        .database()?
        .execute_batch("UPDATE tasks SET scheduled_at = 0")?;
    engine.wait_for("task failed", 2)?;
    let finished = stop(engine)?;

    ensure!(executions(sandbox, 1)?.len() == 2, "it was not retried");
    let tasks = tasks_of_the_order(&finished, "task failed");
    ensure!(
        tasks == [1, 1],
        "{} of its failures bear {ORDER}, instead of both:\n{}",
        tasks.len(),
        finished.text()
    );
    Ok(())
}

/// Notes in the context of these tasks what they belong to, as any program can.
pub fn belong(sandbox: &Sandbox, tasks: &str, context: &str) -> Result<()> {
    let update = format!("UPDATE tasks SET context = '{context}' WHERE id IN ({tasks})");
    Ok(sandbox.database()?.execute_batch(&update)?)
}

/// The tasks of the lines with this message that bear the id of the order, in increasing order.
fn tasks_of_the_order(finished: &Finished, message: &str) -> Vec<i64> {
    let lines = finished.lines.iter().filter(|line| line.contains(ORDER));
    let events = lines.filter_map(|line| Event::parse(line));
    let events = events.filter(|event| event.message == message);
    let mut tasks: Vec<_> = events.filter_map(|event| event.task()).collect();
    tasks.sort_unstable();
    tasks
}
