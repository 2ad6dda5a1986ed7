use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;
use nix::unistd::geteuid;
use rusqlite::Connection;

use super::tasks_of;
use crate::sandbox::{Load, Sandbox};
use crate::{Finished, Program};

pub fn tasks_outlive_processes(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(3, Load::waiting(0.0))?;
    let waiting = sandbox.ids("waiting")?;
    ensure!(waiting == [1, 2, 3], "waiting: {waiting:?}");

    let engine = sandbox.start_engine(Load::waiting(0.0))?;
    let events = sandbox.drain(engine)?.success()?.events();
    executed_exactly(&[events], 1..=3)
}

pub fn each_task_once_by_five_workers(sandbox: &Sandbox) -> Result<()> {
    let engine = sandbox.engine_with_tasks(100, Load::waiting(0.0))?;
    let events = sandbox.drain(engine)?.success()?.events();

    executed_exactly(&[events], 1..=100)?;
    ensure!(sandbox.count("waiting")? == 0, "tasks are left waiting");
    ensure!(sandbox.count("running")? == 0, "tasks are left running");
    Ok(())
}

pub fn each_task_once_by_four_processes(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(1000, Load::waiting(0.0))?;
    let engines: Vec<Program> = (0..4)
        .map(|_| sandbox.start_engine(Load::waiting(0.0)))
        .collect::<Result<_>>()?;
    let logs: Vec<_> = engines
        .into_iter()
        .map(|engine| Ok(sandbox.drain(engine)?.success()?.events()))
        .collect::<Result<_>>()?;

    executed_exactly(&logs, 1..=1000)?;
    ensure!(sandbox.count("waiting")? == 0, "tasks are left waiting");
    ensure!(sandbox.count("running")? == 0, "tasks are left running");
    Ok(())
}

pub fn executed_tasks_are_deleted(sandbox: &Sandbox) -> Result<()> {
    let engine = sandbox.engine_with_tasks(3, Load::waiting(0.0))?;
    sandbox.drain(engine)?.success()?;

    let count = "SELECT count(*) FROM tasks";
    let left: i64 = sandbox.database()?.query_one(count, [], |row| row.get(0))?;
    ensure!(left == 0, "{left} tasks are left in the database");
    Ok(())
}

pub fn killed_engine_leaves_its_tasks_running(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(5, Load::waiting(3600.0))?;
    sandbox.create_tasks(15, Load::waiting(0.0))?;
    let mut killed = sandbox.start_engine(Load::waiting(3600.0))?;
    killed.wait_for("task is waiting", 5)?;
    killed.signal(Signal::SIGKILL)?;
    let in_hand: BTreeSet<_> = tasks_of(&killed.finish()?.events(), "task is waiting")
        .into_iter()
        .collect();
    let running: BTreeSet<_> = sandbox.ids("running")?.into_iter().collect();
    ensure!(
        running == in_hand,
        "running: {running:?}, in hand when the engine was killed: {in_hand:?}"
    );

    let engine = sandbox.start_engine(Load::waiting(0.0))?;
    let events = sandbox.drain(engine)?.success()?.events();
    executed_exactly(&[events], (1..=20).filter(|id| !in_hand.contains(id)))?;
    let still_running: BTreeSet<_> = sandbox.ids("running")?.into_iter().collect();
    ensure!(
        still_running == in_hand,
        "still running: {still_running:?}, in hand: {in_hand:?}"
    );
    Ok(())
}

pub fn unknown_status_refused(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(1, Load::waiting(0.0))?;
    let update = "UPDATE tasks SET status = 'sleeping'";
    let refused = sandbox.database()?.execute(update, []);
    let message = refused.map_or_else(|error| error.to_string(), |_| "accepted".to_owned());
    ensure!(
        message.contains("CHECK constraint failed"),
        "a status that isn't known: {message}"
    );
    Ok(())
}

pub fn unusable_database_explained(sandbox: &Sandbox) -> Result<()> {
    let attempt = |path: &str| -> Result<Finished> {
        let mut command = sandbox.create_tasks_command(1, Load::waiting(0.0));
        command.env("TASK_ENGINE_DATABASE", path);
        Program::start(command)?.finish()
    };

    explained(attempt("missing/tasks.db")?, &["missing", "No such file"])?;

    let notes = sandbox.folder().join("notes.txt");
    fs::write(&notes, "Notes, and not a database.\n".repeat(200))?;
    explained(attempt("notes.txt")?, &["notes.txt", "not a database"])?;

    let newer = Connection::open(sandbox.folder().join("newer.db"))?;
    newer.pragma_update(None, "user_version", 1000)?;
    explained(attempt("newer.db")?, &["newer.db", "newer version"])
}

pub fn read_only_database_explained(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(1, Load::waiting(0.0))?;
    fs::set_permissions(sandbox.database_path(), Permissions::from_mode(0o444))?;
    fs::set_permissions(sandbox.folder(), Permissions::from_mode(0o755))?;

    let create = sandbox.create_tasks_command(1, Load::waiting(0.0));
    let refused = if geteuid().is_root() {
        // Permissions don't stop root: the program runs as somebody else, from a place where
        // anybody may run it. Another process copies it: the children that other threads start
        // meanwhile would hold open what this one writes, and the system runs no such file.
        let copy = sandbox.folder().join("program");
        let copied = Command::new("cp")
            .arg(sandbox.program())
            .arg(&copy)
            .status()?;
        ensure!(copied.success(), "the program can't be copied");
        as_nobody(&copy, &create, sandbox)?
    } else {
        Program::start(create)?.finish()?
    };
    explained(refused, &["task_engine.db", "can't be written"])?;
    ensure!(sandbox.count("waiting")? == 1, "the database has changed");
    Ok(())
}

fn as_nobody(program: &Path, create: &Command, sandbox: &Sandbox) -> Result<Finished> {
    const NOBODY: u32 = 65534;
    let mut command = Command::new(program);
    command
        .args(create.get_args())
        .env("TASK_ENGINE_DATABASE", sandbox.database_path())
        .current_dir(sandbox.folder())
        .uid(NOBODY)
        .gid(NOBODY);
    Program::start(command)?.finish()
}

/// The program has failed, and said why, without a panic.
fn explained(finished: Finished, words: &[&str]) -> Result<()> {
    let finished = finished.exited(1)?;
    let text = finished.text();
    for word in words {
        ensure!(text.contains(word), "no word of \"{word}\" in: {text}");
    }
    ensure!(!text.contains("panicked"), "it panicked: {text}");
    Ok(())
}

/// Each of these tasks has left one trace of its own, and one end, over all logs together.
fn executed_exactly(
    logs: &[Vec<crate::Event>],
    expected: impl IntoIterator<Item = i64>,
) -> Result<()> {
    let expected: Vec<i64> = expected.into_iter().collect();
    for message in ["task is waiting", "task finished"] {
        let mut tasks: Vec<_> = logs
            .iter()
            .flat_map(|events| tasks_of(events, message))
            .collect();
        tasks.sort_unstable();
        ensure!(tasks == expected, "\"{message}\" for {tasks:?}");
    }
    Ok(())
}
