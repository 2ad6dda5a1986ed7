use anyhow::{Result, ensure};

use super::common::{ODD_ROWS, readable_on_a_terminal, says};
use crate::Program;
use crate::program::in_shell;
use crate::sandbox::{Load, Sandbox};

pub fn show_tells_what_became_of_it(sandbox: &Sandbox) -> Result<()> {
    let engine = sandbox.engine_with_tasks(1, Load::waiting(0.25))?;
    sandbox.drain(engine)?.success()?;

    says(
        &sandbox.show("1")?.success()?,
        &[
            "waiting",
            r#"{"waiting_time":0.25}"#,
            "stopped",
            "engine_1",
            r#"{"waited":0.25}"#,
        ],
    )
}

pub fn show_refuses_an_unknown_number(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(1, Load::waiting(0.0))?;
    says(&sandbox.show("17")?.exited(1)?, &["error: ", "17"])
}

pub fn show_makes_no_database(sandbox: &Sandbox) -> Result<()> {
    makes_no_database(sandbox, &["show", "1"])?;
    sandbox.create_tasks(1, Load::waiting(0.0))?;
    sandbox.show("1")?.success()?;
    Ok(())
}

/// These arguments ask for something that only an existing database can tell.
pub fn makes_no_database(sandbox: &Sandbox, arguments: &[&str]) -> Result<()> {
    let words = ["error: can't open the database", "task_engine.db"];
    says(&sandbox.run(arguments)?.exited(1)?, &words)?;
    let made = sandbox.database_path().exists();
    ensure!(!made, "it has made a database to look at");
    Ok(())
}

pub fn show_waits_for_nobody(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(1, Load::waiting(0.0))?;
    waits_for_nobody(sandbox, &["show", "1"])
}

/// Another program writes, and doesn't come to an end before this one does.
pub fn waits_for_nobody(sandbox: &Sandbox, arguments: &[&str]) -> Result<()> {
    let other = sandbox.database()?;
    other.execute_batch("BEGIN IMMEDIATE")?;
    sandbox.run(arguments)?.success()?;
    other.execute_batch("ROLLBACK")?;
    Ok(())
}

/// Whoever wrote what is shown: the screen of who looks at it isn't theirs.
pub fn show_writes_no_control_characters(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(1, Load::waiting(0.0))?;
    let engine = sandbox.start_engine_named("\u{1b}[31mred\u{9b}", Load::waiting(0.0))?;
    sandbox.drain(engine)?.success()?;
    sandbox.database()?.execute_batch(
        r#"UPDATE tasks SET
               task_kind = 'fa' || char(27) || '[2J' || char(7, 10, 13, 155) || 'ke',
               task_parameters = json_object('text', 'x' || char(155) || char(27) || '[2J');
           UPDATE task_executions SET result = '"' || char(155) || '31m"';"#,
    )?;
    let shown = sandbox.show("1")?.success()?;
    says(&shown, &["fa", "ke", "red", "31m"])?;
    readable_on_a_terminal(&shown)
}

pub fn show_shows_odd_rows(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(1, Load::waiting(0.0))?;
    let engine = sandbox.start_engine(Load::waiting(0.0))?;
    sandbox.drain(engine)?.success()?;
    sandbox.database()?.execute_batch(ODD_ROWS)?;
    sandbox.database()?.execute_batch(
        "UPDATE task_executions SET
             started_at = 9223372036854775807, stopped_at = -9223372036854775808,
             result = CAST('\"caf' || x'E9' || '\"' AS TEXT)",
    )?;
    for (id, word) in [("1", "caf"), ("20", "caf"), ("21", "waiting_time")] {
        says(&sandbox.show(id)?.success()?, &[word])?;
    }
    Ok(())
}

/// `show 1 | head`: an output that nobody reads any more is no reason to panic.
pub fn show_survives_a_reader_that_leaves(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(1, Load::waiting(0.0))?;
    survives_a_reader_that_leaves(sandbox, &["show", "1"])
}

pub fn survives_a_reader_that_leaves(sandbox: &Sandbox, arguments: &[&str]) -> Result<()> {
    let command = in_shell(r#""$@" 1> >(true)"#, &sandbox.command(arguments));
    let finished = Program::start(command)?.finish()?;
    let status = finished.status.code();
    ensure!(
        matches!(status, Some(0 | 1)),
        "its status is {status:?}: {}",
        finished.text()
    );
    Ok(())
}
