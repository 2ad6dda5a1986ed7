use anyhow::{Result, ensure};

use super::common::listed;
use crate::sandbox::{Load, Sandbox};

pub fn show_tells_what_became_of_it(sandbox: &Sandbox) -> Result<()> {
    let engine = sandbox.engine_with_tasks(1, Load::waiting(0.25))?;
    sandbox.drain(engine)?.success()?;

    let text = sandbox.show("1")?.success()?.text();
    for word in [
        "waiting",
        r#"{"waiting_time":0.25}"#,
        "stopped",
        "engine_1",
        r#"{"waited":0.25}"#,
    ] {
        ensure!(text.contains(word), "no word of {word} in:\n{text}");
    }
    Ok(())
}

pub fn show_refuses_an_unknown_number(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(1, Load::waiting(0.0))?;
    let text = sandbox.show("17")?.exited(1)?.text();
    ensure!(text.contains("17"), "it doesn't say which task: {text}");
    Ok(())
}

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

pub fn list_refuses_an_unknown_status(sandbox: &Sandbox) -> Result<()> {
    let refused = sandbox.list(&["--status", "sleeping"])?;
    let text = refused.exited(2)?.text();
    for word in ["sleeping", "waiting", "running", "stopped"] {
        ensure!(text.contains(word), "no word of {word} in: {text}");
    }
    Ok(())
}
