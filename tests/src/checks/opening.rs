use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use nix::unistd::geteuid;
use rusqlite::Connection;
use tempfile::TempDir;

use super::common::{says, tasks_of};
use crate::sandbox::{Load, Sandbox};
use crate::{Finished, Program};

/// What is said of every database that can't be opened.
const CANT_OPEN: &str = "error: can't open the database";

pub fn missing_folder_explained(sandbox: &Sandbox) -> Result<()> {
    refused(sandbox, "missing/tasks.db", &["No such file or directory"])
}

pub fn file_that_is_no_database_explained(sandbox: &Sandbox) -> Result<()> {
    let notes = sandbox.folder().join("notes.txt");
    fs::write(&notes, "Notes, and not a database.\n".repeat(200))?;
    refused(sandbox, "notes.txt", &["file is not a database"])?;
    fs::create_dir(sandbox.folder().join("folder"))?;
    refused(sandbox, "folder", &[])
}

pub fn newer_database_refused(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(1, Load::waiting(0.0))?;
    let newer = "UPDATE task_engine SET schema_version = 1000";
    sandbox.database()?.execute_batch(newer)?;
    refused(sandbox, "task_engine.db", &["newer version"])?;
    ensure!(sandbox.ids("waiting")? == [1], "the tasks have changed");
    Ok(())
}

pub fn tasks_of_another_program_left_alone(sandbox: &Sandbox) -> Result<()> {
    let theirs = Connection::open(sandbox.folder().join("theirs.db"))?;
    theirs.execute_batch(
        "CREATE TABLE tasks (id INTEGER PRIMARY KEY, title TEXT, status TEXT, created_at, updated_at);
         INSERT INTO tasks VALUES (1, 'buy bread', 'waiting', 0, 0)",
    )?;
    refused(sandbox, "theirs.db", &["another program"])?;
    let tables = "SELECT group_concat(name) FROM sqlite_schema WHERE type = 'table'";
    let tables: String = theirs.query_one(tables, [], |row| row.get(0))?;
    ensure!(tables == "tasks", "it has made tables: {tables}");
    Ok(())
}

/// Nothing would be kept.
pub fn database_without_a_file_refused(sandbox: &Sandbox) -> Result<()> {
    refused(sandbox, ":memory:", &["nothing would be kept"])
}

/// Where `SQLite` sees an address, people mean a name.
pub fn name_that_looks_like_an_address_is_a_name(sandbox: &Sandbox) -> Result<()> {
    for name in ["file:tasks.db", "file:x?mode=memory"] {
        attempt(sandbox, name)?.success()?;
        let path = sandbox.folder().join(name);
        ensure!(path.exists(), "there is no file of the name {name}");
    }
    Ok(())
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
        let place = TempDir::new()?;
        fs::set_permissions(place.path(), Permissions::from_mode(0o755))?;
        let copy = place.path().join("program");
        let copied = Command::new("cp")
            .arg(sandbox.program())
            .arg(&copy)
            .status()?;
        ensure!(copied.success(), "the program can't be copied");
        as_nobody(&copy, &create, sandbox)?
    } else {
        Program::start(create)?.finish()?
    };
    let refused = refused.exited(1)?;
    says(&refused, &[CANT_OPEN, "task_engine.db", "can't be written"])?;
    ensure!(sandbox.count("waiting")? == 1, "the database has changed");
    Ok(())
}

/// The application forbids it: that task can't be ended, the others can.
pub fn refused_end_harms_nobody(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(3, Load::waiting(0.0))?;
    sandbox.database()?.execute_batch(
        "CREATE TRIGGER keep BEFORE DELETE ON tasks WHEN old.id = 1 BEGIN
             SELECT RAISE(ABORT, 'not this one');
         END;
         CREATE TRIGGER hold BEFORE UPDATE ON tasks
         WHEN old.id = 1 AND old.status = 'running' AND new.status <> 'running' BEGIN
             SELECT RAISE(ABORT, 'not this one');
         END;",
    )?;
    let one_worker = Load {
        workers: Some(1),
        ..Load::waiting(0.0)
    };
    let engine = sandbox.start_engine(one_worker)?;
    let finished = sandbox.drain(engine)?.success()?;

    says(&finished, &["not this one"])?;
    let ended = tasks_of(&finished.events(), "task finished");
    ensure!(ended == [2, 3], "finished: {ended:?}");
    let running = sandbox.ids("running")?;
    ensure!(running == [1], "still marked as running: {running:?}");
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

/// Creates a task in this database, or tries to.
fn attempt(sandbox: &Sandbox, database: &str) -> Result<Finished> {
    let mut create = sandbox.create_tasks_command(1, Load::waiting(0.0));
    create.env("TASK_ENGINE_DATABASE", database);
    Program::start(create)?.finish()
}

/// The program has refused this database, and said why.
fn refused(sandbox: &Sandbox, database: &str, words: &[&str]) -> Result<()> {
    let refused = attempt(sandbox, database)?.exited(1)?;
    says(&refused, &[&[CANT_OPEN, database], words].concat())
}
