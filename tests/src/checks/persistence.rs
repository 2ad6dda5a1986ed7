use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;
use rusqlite::Connection;

use super::common::{executed_exactly, lost, nothing_left, says, tasks_of};
use crate::Program;
use crate::sandbox::{Load, Sandbox};

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

/// Whoever keeps a number doesn't meet another task under it.
pub fn numbers_are_never_given_again(sandbox: &Sandbox) -> Result<()> {
    let engine = sandbox.engine_with_tasks(2, Load::waiting(0.0))?;
    sandbox.drain(engine)?.success()?;
    sandbox.database()?.execute_batch("DELETE FROM tasks")?;

    sandbox.create_tasks(1, Load::waiting(0.0))?;
    let waiting = sandbox.ids("waiting")?;
    ensure!(waiting == [3], "tasks 1 and 2 came first, then {waiting:?}");
    Ok(())
}

pub fn create_says_how_many(sandbox: &Sandbox) -> Result<()> {
    let create = sandbox.create_tasks_command(3, Load::waiting(0.0));
    says(
        &Program::start(create)?.finish()?.success()?,
        &["3 tasks created"],
    )
}

/// Spaces, signs that mean something to `SQLite` or to a shell, and bytes that aren't text.
pub fn any_path_will_do(sandbox: &Sandbox) -> Result<()> {
    let names: [&[u8]; 4] = [
        "mes tâches.db".as_bytes(),
        b"a?mode=memory#%41.db",
        b"'quoted' \"twice\".db",
        b"latin \xE9.db",
    ];
    for name in names {
        let path = sandbox.folder().join(OsStr::from_bytes(name));
        let mut create = sandbox.create_tasks_command(1, Load::waiting(0.0));
        create.env_remove("TASK_ENGINE_DATABASE");
        create.arg("--database").arg(&path);
        Program::start(create)?.finish()?.success()?;
        ensure!(path.exists(), "there is no file {}", path.display());
    }
    let usual = sandbox.database_path();
    ensure!(!usual.exists(), "it made {} as well", usual.display());
    Ok(())
}

/// The file of an application holds its tasks, and what is its own.
pub fn what_the_application_keeps_in_the_file_stays(sandbox: &Sandbox) -> Result<()> {
    let application = Connection::open(sandbox.database_path())?;
    application.execute_batch(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT);
         INSERT INTO orders VALUES (1, 'book');
         PRAGMA user_version = 42;",
    )?;
    drop(application);

    sandbox.create_tasks(2, Load::waiting(0.0))?;
    let engine = sandbox.start_engine(Load::waiting(0.0))?;
    sandbox.drain(engine)?.success()?;

    let application = sandbox.database()?;
    let order: String = application.query_one("SELECT item FROM orders", [], |row| row.get(0))?;
    ensure!(order == "book", "the order is {order}");
    let version: i64 = application.pragma_query_value(None, "user_version", |row| row.get(0))?;
    ensure!(version == 42, "its user_version is {version}");
    Ok(())
}

/// Somebody has taken matters into their own hands: the others aren't concerned.
pub fn deleted_running_task_harms_nobody(sandbox: &Sandbox) -> Result<()> {
    let one_worker = Load {
        workers: Some(1),
        ..Load::waiting(0.3)
    };
    let mut engine = sandbox.engine_with_tasks(3, one_worker)?;
    engine.wait_for("task is waiting", 1)?;
    let other = sandbox.database()?;
    // As in the shell of `SQLite`.
    other.execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM tasks WHERE id = 1")?;
    let events = sandbox.drain(engine)?.success()?.events();

    let finished = tasks_of(&events, "task finished");
    ensure!(finished == [2, 3], "finished: {finished:?}");
    let lost = lost(&events);
    ensure!(lost == [1], "lost, as it says: {lost:?}");
    nothing_left(sandbox)
}

/// Somebody has put a task back that was running: it is executed again, and there is one end.
pub fn running_task_put_back_is_executed_again(sandbox: &Sandbox) -> Result<()> {
    let one_worker = Load {
        workers: Some(1),
        ..Load::waiting(0.3)
    };
    let mut engine = sandbox.engine_with_tasks(1, one_worker)?;
    engine.wait_for("task is waiting", 1)?;
    sandbox
        .database()?
        .execute_batch("UPDATE tasks SET status = 'waiting'")?;
    let events = sandbox.drain(engine)?.success()?.events();

    let executed = tasks_of(&events, "task is waiting");
    ensure!(executed == [1, 1], "executed: {executed:?}");
    let finished = tasks_of(&events, "task finished");
    ensure!(finished == [1], "finished: {finished:?}");
    let lost = lost(&events);
    ensure!(lost == [1], "lost, as it says: {lost:?}");
    nothing_left(sandbox)
}

/// The shell that comes with the system may be years older than the library of the program.
pub fn dump_is_restored_by_the_shell_of_the_system(sandbox: &Sandbox) -> Result<()> {
    let engine = sandbox.engine_with_tasks(2, Load::waiting(0.0))?;
    sandbox.drain(engine)?.success()?;
    sandbox.create_tasks(1, Load::waiting(0.0))?;
    if shell("command -v sqlite3", sandbox).is_err() {
        eprintln!("sqlite3 isn't installed: that its shell restores a dump is NOT CHECKED");
        return Ok(());
    }

    let verdict = shell("sqlite3 task_engine.db 'PRAGMA integrity_check'", sandbox)?;
    ensure!(
        verdict == "ok\n",
        "the shell finds the database damaged: {verdict}"
    );
    shell(
        "sqlite3 task_engine.db .dump | sqlite3 -bail restored.db",
        sandbox,
    )?;
    let restored = |file: &str| shell(&format!("sqlite3 {file} .dump"), sandbox);
    ensure!(
        restored("restored.db")? == restored("task_engine.db")?,
        "the restored database isn't the same"
    );
    // The programs find in it what they need.
    let mut create = sandbox.create_tasks_command(1, Load::waiting(0.0));
    create.env("TASK_ENGINE_DATABASE", "restored.db");
    Program::start(create)?.finish()?.success()?;
    Ok(())
}

fn shell(script: &str, sandbox: &Sandbox) -> Result<String> {
    let output = Command::new("bash")
        .args(["-c", &format!("set -o pipefail; {script}")])
        .current_dir(sandbox.folder())
        .output()?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{script}: {error}");
    Ok(String::from_utf8(output.stdout)?)
}
