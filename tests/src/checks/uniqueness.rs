use std::io::Read;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::common::{says, sound, stop};
use super::errors::ONE_WORKER;
use super::recovery::{kill, start};
use crate::sandbox::{Load, Sandbox};
use crate::{Finished, Program};

const KEY: &str = "reminder-42";

const INSTANT: [&str; 2] = ["waiting", r#"{"waiting_time": 0}"#];

/// The options that ask for a key, from the step on where there are: until then, tasks have none,
/// and there are too many of them.
fn keyed<'a>(sandbox: &Sandbox, key: &'a str, if_exists: &'a str) -> Vec<&'a str> {
    if sandbox.is_before("uniqueness") {
        return Vec::new();
    }
    let mut options = vec!["--unique", key];
    if !if_exists.is_empty() {
        options.extend(["--if-exists", if_exists]);
    }
    options
}

fn create(sandbox: &Sandbox, task: &[&str], key: &str) -> Result<Finished> {
    let created = sandbox.create(&[task, &keyed(sandbox, key, "")].concat())?;
    created.success()
}

/// How many tasks there are, in all.
fn tasks(sandbox: &Sandbox) -> Result<i64> {
    let count = "SELECT count(*) FROM tasks";
    Ok(sandbox.database()?.query_one(count, [], |row| row.get(0))?)
}

/// Asks for a task of a key that is taken: the program says by which task.
fn taken_by(sandbox: &Sandbox, task: &[&str], twin: i64) -> Result<()> {
    let before = tasks(sandbox)?;
    let created = create(sandbox, task, KEY)?;
    ensure!(
        tasks(sandbox)? == before,
        "a second task of the same key is created"
    );
    says(&created, &[&format!("task {twin} exists already")])
}

/// Asks for a task of a key that is free.
fn free(sandbox: &Sandbox, task: &[&str]) -> Result<()> {
    let before = tasks(sandbox)?;
    let created = create(sandbox, task, KEY)?;
    ensure!(
        tasks(sandbox)? == before + 1,
        "none is created: {}",
        created.text()
    );
    Ok(())
}

pub fn fifty_creations_at_once_make_one_task(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_database()?;
    // They all wait for this one.
    let other = sandbox.database()?;
    other.execute_batch("BEGIN IMMEDIATE")?;
    let arguments = [&["create"], &INSTANT[..], &keyed(sandbox, KEY, "")].concat();
    let creations: Vec<Program> = (0..50)
        .map(|_| Program::start(sandbox.command(&arguments)))
        .collect::<Result<_>>()?;
    sleep(Duration::from_millis(200));
    other.execute_batch("ROLLBACK")?;
    let mut existing = 0;
    for creation in creations {
        let text = creation.finish()?.success()?.text();
        existing += usize::from(text.contains("task 1 exists already"));
    }
    let created = sandbox.ids("waiting")?;
    ensure!(created == [1], "{} tasks are created", created.len());
    ensure!(existing == 49, "{existing} say that it exists, of 49");
    Ok(())
}

pub fn key_is_taken_until_the_end(sandbox: &Sandbox) -> Result<()> {
    let task = ["waiting", r#"{"waiting_time": 3}"#];
    create(sandbox, &task, KEY)?;
    taken_by(sandbox, &task, 1)?;
    let mut engine = sandbox.start_engine(ONE_WORKER)?;
    engine.wait_for("task is waiting", 1)?;
    taken_by(sandbox, &task, 1)?;
    engine.wait_for("task finished", 1)?;
    stop(engine)?;
    free(sandbox, &task)
}

/// Nor does a key of one kind matter to another one.
pub fn failed_task_frees_its_key_and_a_retry_does_not(sandbox: &Sandbox) -> Result<()> {
    create(sandbox, &["failing"], KEY)?;
    create(sandbox, &["failing_not_retry"], KEY)?;
    let mut engine = sandbox.start_engine(ONE_WORKER)?;
    engine.wait_for("task failed", 2)?;
    stop(engine)?;
    ensure!(sandbox.ids("waiting")? == [1], "no task waits for a retry");
    taken_by(sandbox, &["failing"], 1)?;
    free(sandbox, &["failing_not_retry"])
}

/// What is not committed takes no key; what is stays taken, whoever dies.
pub fn killed_programs_leave_keys_as_they_are(sandbox: &Sandbox) -> Result<()> {
    const INSERT: &str = "
import sqlite3, sys, time
tasks = sqlite3.connect(sys.argv[1], timeout=60)
tasks.execute('INSERT INTO tasks (task_kind, task_parameters, created_at, updated_at, unique_key)'
              ' VALUES (?, ?, 0, 0, ?)', ('waiting', '{}', sys.argv[2]))
print('inserted', flush=True)
time.sleep(3600)";
    let task = ["waiting", r#"{"waiting_time": 3600}"#];
    create(sandbox, &task, KEY)?;
    kill(start(sandbox, "killed", ONE_WORKER, 1)?)?;
    taken_by(sandbox, &task, 1)?;
    let mut other = start(sandbox, "other", ONE_WORKER, 0)?;
    other.wait_for("task put back: its engine is dead", 1)?;
    taken_by(sandbox, &task, 1)?;
    other.wait_for("task is waiting", 1)?;
    taken_by(sandbox, &task, 1)?;
    kill(other)?;

    sandbox.database()?.execute_batch("DELETE FROM tasks")?;
    let mut other = Command::new("python3")
        .args(["-c", INSERT])
        .arg(sandbox.database_path())
        .arg(KEY)
        .stdout(Stdio::piped())
        .spawn()?;
    let inserted = other.stdout.as_mut().context("its output")?;
    inserted.read_exact(&mut [0; 8])?;
    other.kill()?;
    other.wait()?;
    free(sandbox, &task)?;
    sound(sandbox)
}

pub fn keys_are_compared_byte_for_byte(sandbox: &Sandbox) -> Result<()> {
    let long = "k".repeat(100_000);
    let longer = format!("{long}+");
    let keys = [
        "",
        " ",
        "a",
        "A",
        "a ",
        "\u{e9}",
        "e\u{301}",
        "\u{feff}",
        "\u{202e}",
        "\u{1f980}",
        "1",
        "01",
        "1.0",
        "NULL",
        "%",
        "' OR 1 --",
        &long,
        &longer,
    ];
    for _ in 0..2 {
        for key in keys {
            create(sandbox, &INSTANT, key)?;
        }
    }
    let (tasks, keys) = (tasks(sandbox)?, keys.len());
    ensure!(
        usize::try_from(tasks)? == keys,
        "each of {keys} keys was asked for twice, and {tasks} tasks are created"
    );
    Ok(())
}

/// Its parameters, or its date, as asked; a task that runs keeps both.
pub fn existing_task_is_changed_if_asked(sandbox: &Sandbox) -> Result<()> {
    let row = || -> Result<(String, i64)> {
        let row = "SELECT CAST(task_parameters ->> 'waiting_time' AS TEXT), scheduled_at / 1000
                   FROM tasks";
        let database = sandbox.database()?;
        Ok(database.query_one(row, [], |row| Ok((row.get(0)?, row.get(1)?)))?)
    };
    let ask = |seconds: &str, at: &str, if_exists: &str| -> Result<()> {
        let parameters = format!(r#"{{"waiting_time": {seconds}}}"#);
        let date = format!("2099-01-01T00:00:{at}Z");
        let task = ["waiting", &parameters, "--at", &date];
        let asked = [&task, &*keyed(sandbox, KEY, if_exists)].concat();
        let asked = sandbox.create(&asked)?.success()?;
        if !if_exists.is_empty() {
            ensure!(tasks(sandbox)? == 1, "a second task is created");
            says(&asked, &["task 1 exists already"])?;
        }
        Ok(())
    };
    ask("1.5", "10", "")?;
    let (_, date) = row()?;
    for (if_exists, seconds, at) in [
        ("keep", "1.5", date),
        ("replace", "3600.5", date),
        ("move", "3600.5", date + 20),
    ] {
        ask("3600.5", "30", if_exists)?;
        let found = row()?;
        ensure!(found == (seconds.to_owned(), at), "{if_exists}: {found:?}");
    }

    sandbox.run(&["retry", "1"])?.success()?;
    let mut engine = sandbox.start_engine(ONE_WORKER)?;
    engine.wait_for("task is waiting", 1)?;
    let before = row()?;
    for if_exists in ["replace", "move"] {
        ask("9.5", "50", if_exists)?;
    }
    let after = row()?;
    ensure!(after == before, "a task that runs is changed: {after:?}");
    Ok(())
}

/// An engine that sleeps until the former date is woken.
pub fn moved_task_runs_when_it_is_due(sandbox: &Sandbox) -> Result<()> {
    let ask = |options: &[&str], if_exists| {
        let asked = [&INSTANT[..], options, &keyed(sandbox, KEY, if_exists)].concat();
        sandbox.create(&asked)?.success()
    };
    ask(&["--in", "1h"], "")?;
    let mut engine = sandbox.start_engine(ONE_WORKER)?;
    engine.wait_for("engine started", 1)?;
    sleep(Duration::from_millis(300));
    ask(&[], "move")?;
    engine.wait_for("task finished", 1)?;
    stop(engine)?;
    let (tasks, stopped) = (tasks(sandbox)?, sandbox.ids("stopped")?);
    ensure!(
        tasks == 1 && stopped == [1],
        "of {tasks} tasks, these are executed: {stopped:?}"
    );
    Ok(())
}

/// The refusal names the twin, and changes nothing.
pub fn retry_refuses_while_a_twin_waits(sandbox: &Sandbox) -> Result<()> {
    let task = ["failing_not_retry"];
    create(sandbox, &task, KEY)?;
    let engine = sandbox.start_engine(ONE_WORKER)?;
    sandbox.drain(engine)?.success()?;
    create(sandbox, &task, KEY)?;
    let refused = sandbox.run(&["retry", "1"])?.exited(1)?;
    says(&refused, &["error: ", "task 1", "task 2"])?;
    ensure!(sandbox.ids("failed")? == [1], "task 1 is changed");

    let engine = sandbox.start_engine(ONE_WORKER)?;
    sandbox.drain(engine)?.success()?;
    sandbox.run(&["retry", "1"])?.success()?;
    ensure!(sandbox.ids("waiting")? == [1], "task 1 isn't put back");
    Ok(())
}

/// Other programs are judged as we are.
pub fn database_refuses_a_twin(sandbox: &Sandbox) -> Result<()> {
    create(sandbox, &INSTANT, KEY)?;
    let engine = sandbox.start_engine(Load::waiting(0.0))?;
    sandbox.drain(engine)?.success()?;
    create(sandbox, &INSTANT, KEY)?;
    let database = sandbox.database()?;
    let updated = database.execute_batch("UPDATE tasks SET status = 'waiting' WHERE id = 1");
    let told = updated.map_or_else(|error| error.to_string(), |()| "accepted".to_owned());
    ensure!(
        told.contains("UNIQUE constraint failed"),
        "a twin put back by hand: {told}"
    );
    let insert =
        "INSERT INTO tasks (task_kind, task_parameters, created_at, updated_at, unique_key)
                  VALUES ('waiting', '{}', 0, 0, 'reminder-42')";
    ensure!(
        database.execute(insert, []).is_err(),
        "a twin is inserted by hand"
    );
    let quiet = format!("{insert} ON CONFLICT DO NOTHING");
    ensure!(database.execute(&quiet, [])? == 0, "a twin is inserted");
    Ok(())
}

pub fn unique_key_shown(sandbox: &Sandbox) -> Result<()> {
    create(sandbox, &INSTANT, KEY)?;
    create(sandbox, &INSTANT, "\u{1b}[31m\n")?;
    says(&sandbox.show("1")?.success()?, &[KEY])?;
    let json = sandbox.run(&["trace", "1", "--json"])?.success()?.text();
    let json: Value = serde_json::from_str(&json)?;
    let key = &json[0]["unique_key"];
    ensure!(key == KEY, "in JSON, its key is {key}");
    super::common::readable_on_a_terminal(&sandbox.show("2")?.success()?)
}
