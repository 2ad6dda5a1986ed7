use anyhow::{Result, ensure};

use super::common::{ODD_ROWS, readable_on_a_terminal, says};
use super::inspection::{makes_no_database, survives_a_reader_that_leaves, waits_for_nobody};
use crate::sandbox::{Load, Sandbox};

pub fn list_shows_those_asked_for(sandbox: &Sandbox) -> Result<()> {
    let engine = sandbox.engine_with_tasks(2, Load::waiting(0.0))?;
    sandbox.drain(engine)?.success()?;
    sandbox.create_tasks(60, Load::waiting(0.0))?;

    listed_are(sandbox, &[], (13..=62).rev())?;
    listed_are(sandbox, &["--limit", "100"], (1..=62).rev())?;
    listed_are(sandbox, &["--status", "stopped"], [2, 1])?;
    listed_are(sandbox, &["--status", "waiting", "--limit", "1"], [62])
}

fn listed_are(
    sandbox: &Sandbox,
    arguments: &[&str],
    expected: impl IntoIterator<Item = i64>,
) -> Result<()> {
    let listed = listed(sandbox, arguments)?;
    let expected: Vec<_> = expected.into_iter().collect();
    ensure!(listed == expected, "with {arguments:?}: {listed:?}");
    Ok(())
}

/// The tasks that the program lists with these arguments, in its order.
pub fn listed(sandbox: &Sandbox, arguments: &[&str]) -> Result<Vec<i64>> {
    let lines = sandbox.list(arguments)?.success()?.lines;
    // Whether or not the table has borders.
    let first_words = lines.iter().filter_map(|line| {
        line.split_whitespace()
            .find(|word| word.contains(char::is_alphanumeric))
    });
    Ok(first_words.filter_map(|word| word.parse().ok()).collect())
}

pub fn list_refuses_an_unknown_status(sandbox: &Sandbox) -> Result<()> {
    let refused = sandbox.list(&["--status", "sleeping"])?;
    says(
        &refused.exited(2)?,
        &["sleeping", "waiting", "running", "stopped"],
    )
}

pub fn list_makes_no_database(sandbox: &Sandbox) -> Result<()> {
    makes_no_database(sandbox, &["list"])?;
    sandbox.create_tasks(1, Load::waiting(0.0))?;
    listed_are(sandbox, &[], [1])
}

pub fn list_waits_for_nobody(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(1, Load::waiting(0.0))?;
    waits_for_nobody(sandbox, &["list"])
}

pub fn list_writes_no_control_characters(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(1, Load::waiting(0.0))?;
    sandbox.database()?.execute_batch(
        r"UPDATE tasks SET
              task_kind = 'fa' || char(27) || '[2J' || char(7, 10, 13, 155) || 'ke',
              task_parameters = json_object('text', 'x' || char(155) || char(27) || '[2J')",
    )?;
    let listed = sandbox.list(&[])?.success()?;
    says(&listed, &["fa", "ke"])?;
    readable_on_a_terminal(&listed)
}

pub fn list_shows_odd_rows(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(1, Load::waiting(0.0))?;
    sandbox.database()?.execute_batch(ODD_ROWS)?;
    listed_are(sandbox, &[], [21, 20, 1])
}

/// What it takes to show them isn't the square of their size.
pub fn list_answers_beside_parameters_of_a_megabyte(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(3, Load::waiting(0.0))?;
    sandbox.database()?.execute_batch(
        "UPDATE tasks SET task_kind = 'other',
             task_parameters = json_object('text', hex(zeroblob(500000)))",
    )?;
    listed_are(sandbox, &[], [3, 2, 1])?;
    let text = sandbox.list(&[])?.text();
    let size = text.len();
    ensure!(
        size < 100_000,
        "it writes {size} characters for three tasks"
    );
    Ok(())
}

pub fn list_survives_a_reader_that_leaves(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(50, Load::waiting(0.0))?;
    listed_are(sandbox, &["--limit", "1"], [50])?;
    survives_a_reader_that_leaves(sandbox, &["list"])
}
