//! What several checks look at.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::{Event, Finished, Program, Sandbox};

/// The tasks of the events with this message, in the order of the log.
pub fn tasks_of(events: &[Event], message: &str) -> Vec<i64> {
    events
        .iter()
        .filter(|event| event.message == message)
        .filter_map(Event::task)
        .collect()
}

/// The tasks that the program says it has lost, in the order of the log.
pub fn lost(events: &[Event]) -> Vec<i64> {
    events
        .iter()
        .filter(|event| event.message.starts_with("task lost"))
        .filter_map(Event::task)
        .collect()
}

/// The highest number of tasks that were running at one moment of the log.
pub fn most_at_once(events: &[Event]) -> usize {
    let mut running = 0_usize;
    let mut most = 0;
    for event in events {
        match event.message.as_str() {
            "task started" => running += 1,
            "task finished" => running -= 1,
            _ => continue,
        }
        most = most.max(running);
    }
    most
}

/// Each of these tasks has left one trace of its own, and one end, over all logs together.
pub fn executed_exactly(
    logs: &[Vec<Event>],
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

/// No task waits, none runs.
pub fn nothing_left(sandbox: &Sandbox) -> Result<()> {
    for status in ["waiting", "running"] {
        let left = sandbox.ids(status)?;
        ensure!(left.is_empty(), "these tasks are left {status}: {left:?}");
    }
    Ok(())
}

/// The program that has refused to create a task has created none.
pub fn nothing_created(sandbox: &Sandbox) -> Result<()> {
    // A program that looks at the task first has no need of a database.
    let created = sandbox.database_path().exists() && sandbox.count("waiting")? > 0;
    ensure!(!created, "a task was created");
    Ok(())
}

/// Waits for this, for some seconds: a program that doesn't do it should fail without much delay.
pub fn soon(what: &str, mut condition: impl FnMut() -> Result<bool>) -> Result<()> {
    let started_at = Instant::now();
    while !condition()? {
        let late = started_at.elapsed() > Duration::from_secs(15);
        ensure!(!late, "it doesn't come to this: {what}");
        sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Stops an engine as one should, and waits for its end.
pub fn stop(engine: Program) -> Result<Finished> {
    engine.signal(Signal::SIGTERM)?;
    engine.finish()?.success()
}

/// All of these words are in the text, and it doesn't tell of a panic.
pub fn says(finished: &Finished, words: &[&str]) -> Result<()> {
    let text = finished.text();
    for word in words {
        ensure!(text.contains(word), "no word of \"{word}\" in:\n{text}");
    }
    ensure!(!text.contains("panicked"), "it panicked:\n{text}");
    Ok(())
}

/// `SQLite` finds nothing wrong with the database.
pub fn sound(sandbox: &Sandbox) -> Result<()> {
    let check = "PRAGMA integrity_check";
    let verdict: String = sandbox.database()?.query_one(check, [], |row| row.get(0))?;
    ensure!(verdict == "ok", "the database is damaged: {verdict}");
    Ok(())
}

/// What another program may write, whatever it thinks a date or a text is.
pub const ODD_ROWS: &str = r#"
    INSERT INTO tasks (id, task_kind, task_parameters, created_at, updated_at) VALUES
        (20, CAST('caf' || x'E9' AS TEXT), '{}', 9223372036854775807, 0),
        (21, 'waiting', CAST('{"waiting_time": "' || x'FF' || '"}' AS TEXT),
         -9223372036854775808, -1)"#;

/// Nothing in it moves the cursor, clears the screen, or changes a colour.
pub fn readable_on_a_terminal(finished: &Finished) -> Result<()> {
    for line in &finished.lines {
        let control = line.chars().find(|letter| letter.is_control());
        ensure!(control.is_none(), "it writes {control:?} in {line:?}");
    }
    Ok(())
}

/// All the numbers that a program has written.
pub fn numbers(finished: &Finished) -> Vec<i64> {
    let text = finished.text();
    let words = text.split(|letter: char| !letter.is_ascii_digit());
    words.filter_map(|word| word.parse().ok()).collect()
}

/// An execution that has ended, from the step on where one may fail.
pub struct Execution {
    pub status: String,
    pub stopped_at: i64,
    pub result: Value,
    pub error: Value,
}

/// The executions of this task that have ended, in their order.
pub fn executions(sandbox: &Sandbox, task: i64) -> Result<Vec<Execution>> {
    let database = sandbox.database()?;
    let mut executions = database.prepare(
        "SELECT status, stopped_at, coalesce(result, 'null'), coalesce(error, 'null')
         FROM task_executions WHERE task_id = ?1 AND stopped_at IS NOT NULL ORDER BY id",
    )?;
    let executions = executions.query_map([task], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    })?;
    let executions = executions
        .map(|row| {
            let (status, stopped_at, result, error): (_, _, String, String) = row?;
            Ok(Execution {
                status,
                stopped_at,
                result: serde_json::from_str(&result)?,
                error: serde_json::from_str(&error)?,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    ensure!(!executions.is_empty(), "task {task} was not executed");
    Ok(executions)
}

/// How the executions of this task have ended, in their order.
pub fn outcomes(sandbox: &Sandbox, task: i64) -> Result<Vec<String>> {
    let executions = executions(sandbox, task)?.into_iter();
    Ok(executions.map(|execution| execution.status).collect())
}
