use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use super::common::{executed_exactly, says, tasks_of};
use crate::Program;
use crate::sandbox::{Load, Sandbox};

pub fn nameless_engine_refused(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(1, Load::waiting(0.0))?;
    for name in [None, Some("")] {
        let mut command = sandbox.engine_command(Load::waiting(0.0));
        match name {
            None => command.env_remove("TASK_ENGINE_INSTANCE"),
            Some(name) => command.env("TASK_ENGINE_INSTANCE", name),
        };
        let refused = Program::start(command)?.finish()?.exited(1)?;
        ensure!(
            refused.text().contains("TASK_ENGINE_INSTANCE"),
            "it doesn't say what to do: {}",
            refused.text()
        );
    }
    ensure!(sandbox.count("waiting")? == 1, "the task has started");
    Ok(())
}

pub fn killed_engine_refuses_to_start_again(sandbox: &Sandbox) -> Result<()> {
    let in_hand = kill_an_engine(sandbox, "instance_01")?;
    let before = rows(sandbox)?;

    let engine = sandbox.start_engine_named("instance_01", Load::waiting(0.0))?;
    let refused = engine.finish()?.exited(3)?;

    let text = refused.text();
    ensure!(
        text.contains(&format!("{in_hand:?}")) && text.contains("instance_01"),
        "it doesn't name the tasks {in_hand:?}: {text}"
    );
    ensure!(rows(sandbox)? == before, "the database has changed");
    Ok(())
}

pub fn engine_of_another_name_starts(sandbox: &Sandbox) -> Result<()> {
    let in_hand = kill_an_engine(sandbox, "instance_01")?;

    let engine = sandbox.start_engine_named("instance_02", Load::waiting(0.0))?;
    sandbox.drain(engine)?.success()?;

    ensure!(sandbox.count("waiting")? == 0, "tasks are left waiting");
    ensure!(
        sandbox.ids("running")? == in_hand,
        "the tasks of the killed engine have changed"
    );
    let names = "SELECT DISTINCT instance FROM tasks WHERE status = 'running'";
    let name: String = sandbox.database()?.query_one(names, [], |row| row.get(0))?;
    ensure!(name == "instance_01", "they run under the name {name}");
    Ok(())
}

/// It is at work, and isn't disturbed.
pub fn name_of_a_living_engine_refused(sandbox: &Sandbox) -> Result<()> {
    let load = Load::waiting(0.5);
    sandbox.create_tasks(5, load)?;
    let mut engine = sandbox.start_engine_named("instance_01", load)?;
    engine.wait_for("task is waiting", 5)?;
    let second = sandbox.start_engine_named("instance_01", load)?;
    says(&second.finish()?.exited(3)?, &["instance_01"])?;
    let events = sandbox.drain(engine)?.success()?.events();
    executed_exactly(&[events], 1..=5)
}

pub fn engine_starts_again_once_its_tasks_are_put_back(sandbox: &Sandbox) -> Result<()> {
    let in_hand = kill_an_engine(sandbox, "instance_01")?;
    let engine = sandbox.start_engine_named("instance_01", Load::waiting(0.0))?;
    engine.finish()?.exited(3)?;

    // Somebody has seen what they had done. Where tasks have parameters, these wait for an hour.
    sandbox
        .database()?
        .execute_batch("UPDATE tasks SET status = 'waiting'")?;
    if !sandbox.is_before("kinds") {
        let update = r#"UPDATE tasks SET task_parameters = '{"waiting_time": 0}'"#;
        sandbox.database()?.execute_batch(update)?;
    }
    let engine = sandbox.start_engine_named("instance_01", Load::waiting(0.0))?;
    let events = sandbox.drain(engine)?.success()?.events();
    let finished = tasks_of(&events, "task finished");
    ensure!(finished.len() == 20, "finished: {finished:?}");
    ensure!(
        in_hand.iter().all(|task| finished.contains(task)),
        "put back: {in_hand:?}, finished: {finished:?}"
    );
    Ok(())
}

/// Leaves 15 tasks waiting, and says which ones were running.
fn kill_an_engine(sandbox: &Sandbox, name: &str) -> Result<Vec<i64>> {
    sandbox.create_tasks(5, Load::waiting(3600.0))?;
    sandbox.create_tasks(15, Load::waiting(0.0))?;
    let mut engine = sandbox.start_engine_named(name, Load::waiting(3600.0))?;
    engine.wait_for("task is waiting", 5)?;
    engine.signal(Signal::SIGKILL)?;
    let mut in_hand = tasks_of(&engine.finish()?.events(), "task is waiting");
    in_hand.sort_unstable();
    Ok(in_hand)
}

/// All that the table holds.
fn rows(sandbox: &Sandbox) -> Result<Vec<String>> {
    let database = sandbox.database()?;
    let mut statement = database.prepare("SELECT * FROM tasks ORDER BY id")?;
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| {
        (0..columns)
            .map(|column| Ok(format!("{:?}", row.get_ref(column)?)))
            .collect::<rusqlite::Result<String>>()
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
