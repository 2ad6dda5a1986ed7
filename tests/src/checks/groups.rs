use std::fs;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::{Value, json};

use super::common::soon;
use super::recovery::start;
use crate::Program;
use crate::sandbox::{Load, Sandbox};

const ONE_WORKER: Load = Load {
    waiting_time: 0.0,
    workers: Some(1),
};

/// A second signal within a second is the same request.
const LATER: Duration = Duration::from_millis(1500);

/// The shell ends at once when it is asked to, and so do its children.
pub fn timed_out_program_leaves_nothing_of_its_group(sandbox: &Sandbox) -> Result<()> {
    let failure = timed_out(sandbox, "sleep 1000 & touch ready; sleep 1000")?;
    nothing_left(sandbox)?;
    ensure!(
        text(&failure, "/type") == "timeout" && text(&failure, "/message").ends_with("SIGTERM"),
        "the error doesn't say how it ended: {failure}"
    );
    Ok(())
}

/// What it has written until its end is kept. That it tidies up isn't what it was launched for.
pub fn program_that_is_asked_to_stop_has_the_time_to_clean_up(sandbox: &Sandbox) -> Result<()> {
    let script = "trap 'echo tidied; exit 0' TERM; echo begun; sleep 1000 & touch ready; wait";
    let failure = timed_out(sandbox, script)?;
    kill_all(sandbox)?;
    ensure!(
        text(&failure, "/details/stdout") == "begun\ntidied\n"
            && text(&failure, "/message").contains("exit status 0"),
        "it had no time to clean up, or nobody listened: {failure}"
    );
    Ok(())
}

/// A shell doesn't wait for the command that it has launched, when it is asked to stop.
pub fn what_a_program_has_launched_has_the_time_too(sandbox: &Sandbox) -> Result<()> {
    let child = "trap 'sleep 0.5; touch tidied; exit' TERM; sleep 1000 & touch ready; wait";
    let failure = timed_out(sandbox, &format!("({child}) & wait"))?;
    kill_all(sandbox)?;
    let tidied = sandbox.folder().join("tidied").exists();
    ensure!(tidied, "its child had no time to clean up: {failure}");
    Ok(())
}

pub fn program_that_does_not_listen_is_killed_with_its_group(sandbox: &Sandbox) -> Result<()> {
    let script = "trap '' TERM; sleep 1000 & touch ready; sleep 1000";
    let failure = timed_out(sandbox, script)?;
    nothing_left(sandbox)?;
    ensure!(
        text(&failure, "/message").ends_with("cut short"),
        "it has ended by itself: {failure}"
    );
    Ok(())
}

/// There is no time to ask: the task is already that of another engine.
pub fn group_of_a_task_that_is_cut_short_is_killed(sandbox: &Sandbox) -> Result<()> {
    create(sandbox, "sleep 1000 & sleep 1000", &[])?;
    let mut engine = start(sandbox, "first", ONE_WORKER, 0)?;
    soon("the program launched", || Ok(groups(sandbox)?.len() == 1))?;
    let [first] = groups(sandbox)?[..] else {
        bail!("launched: {:?}", groups(sandbox)?);
    };
    soon("all three of them", || Ok(living(first)?.len() == 3))?;
    let dead = "UPDATE engines SET status = 'dead'";
    sandbox.database()?.execute_batch(dead)?;
    engine.wait_for("engine started", 2)?;
    soon("it launched again", || Ok(groups(sandbox)?.len() == 2))?;
    let gone = soon("nothing left of the first group", || {
        Ok(living(first)?.is_empty())
    });
    engine.signal(Signal::SIGKILL)?;
    engine.finish()?;
    kill_all(sandbox)?;
    gone
}

/// Its group isn't that of the engine.
pub fn engine_that_stops_lets_its_programs_end(sandbox: &Sandbox) -> Result<()> {
    let script = "touch ready; until test -e go; do sleep 0.01; done; echo over";
    create(sandbox, script, &[])?;
    let mut engine = sandbox.start_engine(ONE_WORKER)?;
    soon("the program launched", || is_ready(sandbox))?;
    engine.signal(Signal::SIGTERM)?;
    engine.wait_for("stop requested, waiting for the running tasks", 1)?;
    fs::write(sandbox.folder().join("go"), "")?;
    engine.finish()?.success()?;
    let result = "SELECT result ->> 'stdout' FROM task_executions";
    let result: String = sandbox
        .database()?
        .query_one(result, [], |row| row.get(0))?;
    ensure!(result == "over\n", "it didn't end by itself: {result:?}");
    Ok(())
}

/// Nobody is left to end it: not a promise to be proud of, but one that is told.
pub fn program_outlives_an_engine_that_is_killed_or_stopped_at_once(
    sandbox: &Sandbox,
) -> Result<()> {
    create(sandbox, "touch ready; sleep 1000", &[])?;
    let engine = launched(sandbox, "killed")?;
    engine.signal(Signal::SIGKILL)?;
    engine.finish()?;
    let killed = survivors(sandbox)?;

    fs::remove_file(sandbox.folder().join("ready"))?;
    create(sandbox, "touch ready; sleep 1000", &[])?;
    let mut engine = launched(sandbox, "stopped")?;
    engine.signal(Signal::SIGTERM)?;
    engine.wait_for("stop requested, waiting for the running tasks", 1)?;
    sleep(LATER);
    engine.signal(Signal::SIGTERM)?;
    engine.finish()?.exited(143)?;
    let stopped = survivors(sandbox)?;
    ensure!(killed && stopped, "killed: {killed}, stopped: {stopped}");
    Ok(())
}

fn launched(sandbox: &Sandbox, name: &str) -> Result<Program> {
    let engine = sandbox.start_engine_named(name, ONE_WORKER)?;
    soon("the program launched", || is_ready(sandbox))?;
    Ok(engine)
}

/// Whether one of those that were launched lives; if so, not for long.
fn survivors(sandbox: &Sandbox) -> Result<bool> {
    let mut left = Vec::new();
    for group in groups(sandbox)? {
        left.extend(living(group)?);
    }
    kill_all(sandbox)?;
    Ok(!left.is_empty())
}

/// Creates a task that launches a script, which notes the number of its group.
fn create(sandbox: &Sandbox, script: &str, options: &[&str]) -> Result<()> {
    let script = format!("echo $$ >> groups; {script}");
    let command = json!({ "program": "sh", "arguments": ["-c", script] });
    let command = command.to_string();
    let arguments = [&["command", &command], options].concat();
    sandbox.create(&arguments)?.success()?;
    Ok(())
}

/// Why a script fails whose time ends after it has made the file `ready`: a machine that has much
/// else to do is given more.
fn timed_out(sandbox: &Sandbox, script: &str) -> Result<Value> {
    for timeout in ["500ms", "5s", "50s"] {
        create(sandbox, script, &["--timeout", timeout])?;
        let mut engine = sandbox.engine_command(ONE_WORKER);
        engine.arg("--until-empty");
        Program::start(engine)?.finish()?.success()?;
        if is_ready(sandbox)? {
            let failure = "SELECT coalesce(error, result) FROM task_executions
                           ORDER BY id DESC LIMIT 1";
            let failure: String = sandbox
                .database()?
                .query_one(failure, [], |row| row.get(0))?;
            return Ok(serde_json::from_str(&failure)?);
        }
    }
    bail!("the script is never ready")
}

fn is_ready(sandbox: &Sandbox) -> Result<bool> {
    Ok(sandbox.folder().join("ready").try_exists()?)
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    let text = value.pointer(pointer).and_then(Value::as_str);
    text.unwrap_or_default()
}

/// The groups of the programs that were launched.
fn groups(sandbox: &Sandbox) -> Result<Vec<i32>> {
    let groups = fs::read_to_string(sandbox.folder().join("groups")).unwrap_or_default();
    Ok(groups.lines().map(str::parse).collect::<Result<_, _>>()?)
}

/// Nothing is left of those that were launched, or will be in a moment: what is killed has yet to
/// die. What is left nevertheless is killed.
fn nothing_left(sandbox: &Sandbox) -> Result<()> {
    let mut left = Vec::new();
    let gone = soon("nothing left of the group", || {
        left.clear();
        for group in groups(sandbox)? {
            left.extend(living(group)?);
        }
        Ok(left.is_empty())
    });
    kill_all(sandbox)?;
    gone.with_context(|| format!("left: {left:?}"))
}

fn kill_all(sandbox: &Sandbox) -> Result<()> {
    for group in groups(sandbox)? {
        // They may die meanwhile; and then, the number is soon somebody else's.
        if !living(group)?.is_empty() {
            let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
        }
    }
    Ok(())
}

/// The processes of this group, but for those that are dead and whose parent has yet to look.
fn living(group: i32) -> Result<Vec<String>> {
    let mut living = Vec::new();
    for process in fs::read_dir("/proc")? {
        let stat = fs::read(process?.path().join("stat")).unwrap_or_default();
        let stat = String::from_utf8_lossy(&stat);
        let Some((process, fields)) = stat.rsplit_once(')') else {
            continue;
        };
        let fields: Vec<_> = fields.split_whitespace().collect();
        if fields[2] == group.to_string() && fields[0] != "Z" {
            living.push(format!("{process})"));
        }
    }
    Ok(living)
}
