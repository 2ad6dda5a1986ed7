use std::process::Command;

use anyhow::{Result, ensure};

use super::common::tasks_of;
use super::recovery::LEASE;
use crate::program::in_shell;
use crate::sandbox::{Load, Sandbox};
use crate::{Finished, Program};

/// The largest file that the program may write, in blocks of 1,024 bytes. It is less than what
/// `SQLite` lets its write-ahead log grow to before it copies it into the database: 4 MB.
const LIMIT: &str = "256";

/// Takes most of the place in the file of the database.
const BALLAST: &str =
    "CREATE TABLE ballast (data BLOB); INSERT INTO ballast VALUES (zeroblob(200000))";

/// More than the engine can execute without space.
const CREATED: u32 = 100;
const BATCH: u32 = 10;

pub fn disk_full(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_tasks(CREATED, Load::waiting(0.05))?;
    sandbox.database()?.execute_batch(BALLAST)?;
    let engine = sandbox.leased_engine_command("cramped", Load::waiting(0.0), LEASE);
    let engine = Program::start(limited(&engine))?.finish()?;
    let finished = tasks_of(&engine.events(), "task finished");
    explained(engine)?;
    let mut created = i64::from(CREATED);
    loop {
        let create = sandbox.create_tasks_command(BATCH, Load::waiting(0.0));
        let attempt = Program::start(limited(&create))?.finish()?;
        if !attempt.status.success() {
            explained(attempt)?;
            break;
        }
        created += i64::from(BATCH);
    }

    let check = "PRAGMA integrity_check";
    let verdict: String = sandbox.database()?.query_one(check, [], |row| row.get(0))?;
    ensure!(verdict == "ok", "the database is damaged: {verdict}");
    let count = "SELECT count(*) FROM tasks";
    let kept: i64 = sandbox.database()?.query_one(count, [], |row| row.get(0))?;
    // Those whose creation was cut short may be there or not: nobody was told.
    ensure!(
        (created..created + i64::from(BATCH)).contains(&kept),
        "{kept} tasks are in the database, {created} were created"
    );
    let stopped = sandbox.ids("stopped")?;
    ensure!(
        finished.iter().all(|task| stopped.contains(task)),
        "finished: {finished:?}, but only these are in the database: {stopped:?}"
    );

    // There is space again.
    if sandbox.is_before("recovery") {
        let retry = ["retry", "--stranded", "cramped", "--yes"];
        sandbox.run(&retry)?.success()?;
    }
    let engine = sandbox.leased_engine_command("cramped", Load::waiting(0.0), LEASE);
    let engine = Program::start(engine)?;
    sandbox.until_nothing_is_left()?;
    let events = sandbox.drain(engine)?.success()?.events();
    let stopped = i64::try_from(sandbox.ids("stopped")?.len())?;
    ensure!(stopped == kept, "{stopped} tasks have succeeded, of {kept}");
    let again = tasks_of(&events, "task finished");
    ensure!(
        finished.iter().all(|task| !again.contains(task)),
        "some of the tasks {finished:?} were executed again"
    );
    Ok(())
}

/// The same command, in a process that can't write large files.
fn limited(command: &Command) -> Command {
    // To exceed the limit is an error, as a full disk is, once the signal is ignored.
    let script = format!(r#"ulimit -f {LIMIT}; trap "" XFSZ; exec "$@""#);
    in_shell(&script, command)
}

/// The program has failed, and said why, without a panic.
fn explained(finished: Finished) -> Result<()> {
    let finished = finished.exited(1)?;
    let text = finished.text();
    let said = ["error: ", "disk"].iter().all(|word| text.contains(word));
    ensure!(said, "no word of the disk in: {text}");
    ensure!(!text.contains("panicked"), "it panicked: {text}");
    Ok(())
}
