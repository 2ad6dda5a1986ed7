use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::program::in_shell;
use crate::sandbox::{Load, Sandbox};
use crate::{Finished, Program};

pub fn json_output_is_json(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(1, Load::waiting(0.25))?;
    let engine = sandbox.start_engine(Load::waiting(0.25))?;
    sandbox.drain(engine)?.success()?;
    sandbox.create_tasks(1, Load::waiting(0.0))?;

    let tasks = json_of(sandbox, &["list", "--json"])?;
    let numbers: Vec<_> = array(&tasks)?.iter().map(|task| &task["id"]).collect();
    ensure!(numbers == [2, 1], "list: {tasks}");
    let none = json_of(sandbox, &["list", "--status", "failed", "--json"])?;
    ensure!(none == json!([]), "list of nothing: {none}");

    let task = json_of(sandbox, &["show", "1", "--json"])?;
    ensure!(task["status"] == "stopped", "show: {task}");
    ensure!(task["parameters"]["waiting_time"] == 0.25, "show: {task}");
    let execution = &array(&task["executions"])?[0];
    ensure!(execution["result"]["waited"] == 0.25, "show: {task}");
    let date = |name: &str| execution[name].as_str()?.parse::<jiff::Timestamp>().ok();
    let (started_at, stopped_at) = (date("started_at"), date("stopped_at"));
    ensure!(
        started_at.is_some() && started_at < stopped_at,
        "the execution has no dates, or they are in disorder: {execution}"
    );

    let kinds = json_of(sandbox, &["kinds", "--json"])?;
    let known = |kind: &str| kinds.to_string().contains(&format!("\"{kind}\""));
    ensure!(known("waiting") && known("command"), "kinds: {kinds}");
    Ok(())
}

/// So it is where no window is attached yet: nobody knows how wide it is.
pub fn terminal_of_no_columns_is_as_wide_as_needed(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(1, Load::waiting(0.25))?;
    let line = |finished: &Finished| {
        let lines = finished.lines.iter();
        let mut lines = lines.filter(|line| line.contains("waiting_time"));
        lines.any(|line| line.contains("0.25"))
    };
    let mut list = sandbox.command(&["list"]);
    list.env("COLUMNS", "0");
    let listed = Program::start(list)?.finish()?.success()?;
    ensure!(line(&listed), "with COLUMNS=0:\n{}", listed.text());

    let script = "command -v script >/dev/null || exit 77
        script -qec \"stty cols 0 rows 0; '$1' '$2'\" /dev/null";
    let listed = Program::start(in_shell(script, &sandbox.command(&["list"])))?.finish()?;
    if listed.status.code() == Some(77) {
        eprintln!("script isn't installed: a terminal of no columns is NOT CHECKED");
        return Ok(());
    }
    let listed = listed.success()?;
    ensure!(
        line(&listed),
        "in a terminal of no columns:\n{}",
        listed.text()
    );
    Ok(())
}

/// What a command writes, which must be JSON and nothing else.
fn json_of(sandbox: &Sandbox, arguments: &[&str]) -> Result<Value> {
    let text = sandbox.run(arguments)?.success()?.text();
    serde_json::from_str(&text).with_context(|| format!("{arguments:?} gives no JSON:\n{text}"))
}

fn array(value: &Value) -> Result<&Vec<Value>> {
    value
        .as_array()
        .with_context(|| format!("not an array: {value}"))
}
