//! What a power cut takes, on a disk that keeps only what it was told to sync.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use fastrand::Rng;

use super::common::{outcomes, says, soon, sound, stop};
use super::recovery::kill;
use crate::sandbox::{Load, Sandbox};
use crate::{Event, Program};

/// The library that keeps what was synced.
const POWER_CUT: &str = include_str!("../../power_cut.c");

/// Where a program finds what its commits wait for.
const SYNCHRONOUS: &str = "TASK_ENGINE_SYNCHRONOUS";

/// A disk writes so many bytes at once, or none of them.
const BLOCK: usize = 4096;

/// The same command, on such a disk.
fn on_the_disk(sandbox: &Sandbox, mut command: Command) -> Result<Command> {
    let library = sandbox.folder().join("power_cut.so");
    if !library.exists() {
        let source = library.with_extension("c");
        fs::write(&source, POWER_CUT)?;
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-o"]);
        compiler.arg(&library).arg(&source);
        Program::start(compiler)?.finish()?.success()?;
    }
    command.env("LD_PRELOAD", library);
    Ok(command)
}

/// Has a command create so many tasks, all of them in one commit, which waits for this; the disk is
/// what it waits for if nobody says anything.
fn create(sandbox: &Sandbox, count: u32, synchronous: &str) -> Result<()> {
    let mut command = sandbox.create_tasks_command(count, Load::waiting(0.0));
    if synchronous != "full" {
        command.env(SYNCHRONOUS, synchronous);
    }
    let command = on_the_disk(sandbox, command)?;
    Program::start(command)?.finish()?.success()?;
    Ok(())
}

/// How often the database and its log were synced.
fn syncs(sandbox: &Sandbox) -> Result<usize> {
    let of = |file: PathBuf| Ok(fs::read(beside(&file, "syncs")).map_or(0, |syncs| syncs.len()));
    files(sandbox).into_iter().map(of).sum()
}

fn files(sandbox: &Sandbox) -> [PathBuf; 2] {
    let database = sandbox.database_path();
    [database.with_extension("db-wal"), database]
}

fn beside(file: &Path, end: &str) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(format!(".{end}"));
    path.into()
}

/// The power is cut: elsewhere, there is what the disk has kept. With some luck, it has written more
/// than it had to, in any order.
fn power_cut<'a>(sandbox: &Sandbox<'a>, mut luck: Option<&mut Rng>) -> Result<Sandbox<'a>> {
    let after = sandbox.another()?;
    for (file, kept) in files(sandbox).iter().zip(files(&after)) {
        let mut bytes = fs::read(beside(file, "durable")).unwrap_or_default();
        if let Some(luck) = &mut luck {
            let written = fs::read(file).unwrap_or_default();
            if luck.bool() {
                bytes.resize(written.len(), 0);
            }
            let blocks = bytes.chunks_mut(BLOCK).zip(written.chunks(BLOCK));
            for (block, written) in blocks.filter(|_| luck.bool()) {
                let length = block.len().min(written.len());
                block[..length].copy_from_slice(&written[..length]);
            }
        }
        fs::write(kept, bytes)?;
    }
    sound(&after).context("after the power cut")?;
    Ok(after)
}

/// Somebody else looks at the database, and stays: then no program is the last one, which copies the
/// log into the database, and waits for the disk, when it ends.
fn looked_at(sandbox: &Sandbox) -> Result<rusqlite::Connection> {
    create(sandbox, 1, "full")?;
    let other = sandbox.database()?;
    let created: i64 = other.query_one("SELECT count(*) FROM tasks", [], |row| row.get(0))?;
    ensure!(created == 1, "{created} tasks, where one was created");
    Ok(other)
}

pub fn normal_waits_for_no_disk(sandbox: &Sandbox) -> Result<()> {
    let _other = looked_at(sandbox)?;
    let mut counts = Vec::new();
    for synchronous in ["full", "normal"] {
        let before = syncs(sandbox)?;
        for _ in 0..20 {
            create(sandbox, 1, synchronous)?;
        }
        counts.push(syncs(sandbox)? - before);
    }
    ensure!(
        counts[0] >= 20,
        "20 creations have waited for the disk {} times",
        counts[0]
    );
    ensure!(
        counts[1] <= 3,
        "20 creations that wait for nothing have waited for the disk {} times",
        counts[1]
    );
    Ok(())
}

/// What waits for the disk waits for all that was written before it, by whomever.
pub fn power_cut_takes_what_no_full_commit_follows(sandbox: &Sandbox) -> Result<()> {
    let _other = looked_at(sandbox)?;
    for synchronous in ["normal", "normal", "full", "normal", "normal"] {
        create(sandbox, 1, synchronous)?;
    }
    let created = sandbox.ids("waiting")?;
    ensure!(created == [1, 2, 3, 4, 5, 6], "created: {created:?}");
    let after = power_cut(sandbox, None)?;
    let kept = after.ids("waiting")?;
    ensure!(
        kept == [1, 2, 3, 4],
        "the fourth task has waited for the disk, the last two for nothing; kept: {kept:?}"
    );
    // The engine and its tasks go on with what is left.
    let engine = after.start_engine(Load::waiting(0.0))?;
    after.drain(engine)?.success()?;
    ensure!(after.count("stopped")? == 4, "they aren't executed");
    Ok(())
}

/// A pause waits for the disk, and so for the tasks before it, whatever the environment says.
pub fn what_is_asked_for_by_hand_stays(sandbox: &Sandbox) -> Result<()> {
    let _other = looked_at(sandbox)?;
    create(sandbox, 1, "normal")?;
    let mut command = sandbox.command(&["pause", "waiting"]);
    command.env(SYNCHRONOUS, "normal");
    let command = on_the_disk(sandbox, command)?;
    Program::start(command)?.finish()?.success()?;
    create(sandbox, 1, "normal")?;
    let after = power_cut(sandbox, None)?;
    let paused = "SELECT count(*) FROM paused_kinds";
    let paused: i64 = after.database()?.query_one(paused, [], |row| row.get(0))?;
    ensure!(paused == 1, "the pause is gone");
    let kept = after.ids("waiting")?;
    ensure!(
        kept == [1, 2],
        "the pause has waited for the disk, the task after it for nothing; kept: {kept:?}"
    );
    Ok(())
}

/// Whatever the disk has written of what nobody told it to sync.
pub fn what_a_power_cut_leaves_is_sound(sandbox: &Sandbox) -> Result<()> {
    const BATCH: u32 = 1500;
    let _other = looked_at(sandbox)?;
    let seed = fastrand::u64(..);
    let mut luck = Rng::with_seed(seed);
    let (mut created, mut taken) = (1, 0);
    let copied = fs::read(beside(&sandbox.database_path(), "syncs"))?.len();
    // More than what the log grows to before it is copied into the database.
    for _ in 0..20 {
        create(sandbox, BATCH, "normal")?;
        created += i64::from(BATCH);
        for luck in [None, Some(&mut luck)] {
            let after = power_cut(sandbox, luck).with_context(|| format!("seed {seed}"))?;
            let kept = after.ids("waiting")?;
            let last = i64::try_from(kept.len())?;
            ensure!(
                kept.last() == Some(&last) && last <= created && last % i64::from(BATCH) == 1,
                "of {created} tasks, created {BATCH} at a time, {last} are left (seed {seed})"
            );
            taken += created - last;
        }
    }
    ensure!(taken > 0, "no power cut takes anything: all is waited for");
    let copied = fs::read(beside(&sandbox.database_path(), "syncs"))?.len() - copied;
    ensure!(
        copied > 0,
        "the log was never copied into the database: there was no such power cut"
    );
    Ok(())
}

/// What it has done outside the database is done twice.
pub fn execution_taken_back_is_repeated(sandbox: &Sandbox) -> Result<()> {
    let _other = looked_at(sandbox)?;
    let mut command = sandbox.engine_command(Load::waiting(0.0));
    command.env(SYNCHRONOUS, "normal");
    let engine = Program::start(on_the_disk(sandbox, command)?)?;
    soon("the task executed", || Ok(sandbox.count("stopped")? == 1))?;
    kill(engine)?;
    let executed = sandbox.ids("stopped")?;
    ensure!(executed == [1], "the death of the engine takes something");

    let after = power_cut(sandbox, None)?;
    let waiting = after.ids("waiting")?;
    ensure!(
        waiting == [1],
        "the end of the execution has waited for the disk: these tasks wait: {waiting:?}"
    );
    let engine = after.start_engine(Load::waiting(0.0))?;
    after.until_nothing_is_left()?;
    stop(engine)?;
    let outcomes = outcomes(&after, 1)?;
    ensure!(outcomes == ["success"], "{outcomes:?}");
    Ok(())
}

pub fn normal_is_said(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_database()?;
    for (synchronous, said) in [(None, false), (Some("full"), false), (Some("normal"), true)] {
        let mut command = sandbox.engine_command(Load::waiting(0.0));
        if let Some(synchronous) = synchronous {
            command.env(SYNCHRONOUS, synchronous);
        }
        let events = sandbox.drain(Program::start(command)?)?.success()?.events();
        let warns = |event: &Event| event.message.contains("power cut");
        ensure!(
            events.iter().any(warns) == said,
            "{synchronous:?}: a power cut, in its log: {}",
            !said
        );
    }
    let parameters = r#"{"waiting_time": 0}"#;
    for (synchronous, taken) in [("full", true), ("normal", true), ("off", false)] {
        let option = ["waiting", parameters, "--synchronous", synchronous];
        let finished = sandbox.create(&option)?;
        if taken {
            finished.success()?;
        } else {
            says(&finished.exited(2)?, &["off", "full", "normal"])?;
        }
    }
    let created = sandbox.ids("waiting")?;
    ensure!(created == [1, 2], "created: {created:?}");
    Ok(())
}
