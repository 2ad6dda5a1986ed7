use anyhow::{Context, Result, ensure};
use jiff::Timestamp;

use super::common::{says, soon, stop};
use super::recovery::start;
use crate::sandbox::{Load, Sandbox};
use crate::{Finished, Program};

const NOTHING: &str = r#"{"waiting_time": 0}"#;

/// Asks for a task each second, from the step on where one can.
fn add(sandbox: &Sandbox, name: &str) -> Result<()> {
    if sandbox.is_before("recurring") {
        return sandbox.create_database();
    }
    let add = ["schedule", "add", name, "waiting", "* * * * * *", NOTHING];
    sandbox.run(&add)?.success()?;
    Ok(())
}

/// Asks for this, from the step on where one can: until then, nothing changes.
fn ask(sandbox: &Sandbox, command: &str, name: &str) -> Result<Option<Finished>> {
    if sandbox.is_before("schedules") {
        return Ok(None);
    }
    let asked = sandbox.run(&["schedule", command, name])?;
    asked.success().map(Some)
}

/// Two of them: each has its own idea of what comes next.
fn engines(sandbox: &Sandbox) -> Result<[Program; 2]> {
    Ok([
        start(sandbox, "first", Load::waiting(0.0), 0)?,
        start(sandbox, "second", Load::waiting(0.0), 0)?,
    ])
}

/// The ticks of this schedule that have their tasks, in milliseconds, in the order of the calendar.
fn ticks(sandbox: &Sandbox, name: &str) -> Result<Vec<i64>> {
    let database = sandbox.database()?;
    let ticks = "SELECT tick FROM tasks WHERE schedule = ?1 ORDER BY tick";
    let mut ticks = database.prepare(ticks)?;
    let ticks = ticks.query_map([name], |row| row.get(0))?;
    Ok(ticks.collect::<Result<_, _>>()?)
}

fn until_more(sandbox: &Sandbox, name: &str, more: usize) -> Result<()> {
    let before = ticks(sandbox, name)?.len();
    soon(&format!("{more} more ticks of {name}"), || {
        Ok(ticks(sandbox, name)?.len() >= before + more)
    })
}

/// The other schedule shows that time goes on, and that the engines look.
fn nothing_comes(sandbox: &Sandbox, name: &str) -> Result<()> {
    let before = ticks(sandbox, name)?;
    until_more(sandbox, "other", 3)?;
    let after = ticks(sandbox, name)?;
    let more = after.len() - before.len();
    ensure!(more == 0, "{more} ticks have had their tasks nevertheless");
    Ok(())
}

pub fn schedule_pause_holds(sandbox: &Sandbox) -> Result<()> {
    add(sandbox, "paused")?;
    add(sandbox, "other")?;
    let engines = engines(sandbox)?;
    until_more(sandbox, "paused", 2)?;
    let asked = ask(sandbox, "pause", "paused")?;
    let before = ticks(sandbox, "paused")?;
    nothing_comes(sandbox, "paused")?;
    if let Some(asked) = asked {
        says(&asked, &["schedule paused is paused"])?;
        let again = ask(sandbox, "pause", "paused")?.context("it was asked")?;
        says(&again, &["schedule paused was paused already"])?;
    }

    let resumed_at = Timestamp::now().as_millisecond();
    ask(sandbox, "resume", "paused")?;
    until_more(sandbox, "paused", 2)?;
    for engine in engines {
        stop(engine)?;
    }
    let after = ticks(sandbox, "paused")?;
    let missed = after.iter().filter(|tick| !before.contains(tick));
    let missed = missed.filter(|tick| **tick < resumed_at).count();
    ensure!(missed == 0, "{missed} ticks of the pause are made up for");
    ensure!(
        after.is_sorted_by(|tick, next| tick < next),
        "one comes twice"
    );
    if let Some(again) = ask(sandbox, "resume", "paused")? {
        says(&again, &["schedule paused wasn't paused"])?;
    }
    Ok(())
}

/// A program says what its schedules are each time it starts: what somebody has paused stays so.
pub fn schedule_added_again_stays_paused(sandbox: &Sandbox) -> Result<()> {
    add(sandbox, "paused")?;
    add(sandbox, "other")?;
    let engines = engines(sandbox)?;
    until_more(sandbox, "paused", 1)?;
    ask(sandbox, "pause", "paused")?;
    add(sandbox, "paused")?;
    nothing_comes(sandbox, "paused")?;
    for engine in engines {
        stop(engine)?;
    }
    Ok(())
}

pub fn schedule_remove(sandbox: &Sandbox) -> Result<()> {
    add(sandbox, "removed")?;
    add(sandbox, "other")?;
    let engines = engines(sandbox)?;
    until_more(sandbox, "removed", 2)?;
    let asked = ask(sandbox, "remove", "removed")?;
    let before = ticks(sandbox, "removed")?;
    nothing_comes(sandbox, "removed")?;
    if let Some(asked) = asked {
        says(&asked, &["schedule removed is removed"])?;
        for command in ["remove", "pause", "resume", "next"] {
            let refused = sandbox.run(&["schedule", command, "removed"])?;
            let status = refused.status.code();
            ensure!(status == Some(1), "{command} ends with {status:?}");
            says(&refused, &["error: ", "there is no schedule \"removed\""])?;
        }
    }

    add(sandbox, "removed")?;
    until_more(sandbox, "removed", 2)?;
    for engine in engines {
        stop(engine)?;
    }
    let after = ticks(sandbox, "removed")?;
    ensure!(after.starts_with(&before), "its tasks are gone");
    ensure!(
        after.is_sorted_by(|tick, next| tick < next),
        "one comes twice"
    );
    Ok(())
}

/// The two nights of 2099 in which the clocks of Paris are set: that is far away, and a rule that
/// everybody knows.
pub fn schedule_next_in_paris(sandbox: &Sandbox) -> Result<()> {
    for (name, expression, expected) in [
        (
            "spring",
            "0 */30 * 29 3 * 2099",
            ["T01:00:00+01:00", "T01:30:00+01:00", "T03:00:00+02:00"],
        ),
        (
            "autumn",
            "0 */30 * 25 10 * 2099",
            ["T02:30:00+02:00", "T02:00:00+01:00", "T02:30:00+01:00"],
        ),
    ] {
        let add = ["schedule", "add", name, "waiting", expression, NOTHING];
        let zone = ["--time-zone", "Europe/Paris"];
        sandbox.run(&[&add[..], &zone].concat())?.success()?;
        let next = sandbox.run(&["schedule", "next", name, "--count", "9"])?;
        let lines = next.success()?.lines;
        ensure!(lines.len() == 9, "{} lines: {lines:?}", lines.len());
        let zoned = |line: &String| line.contains("2099-") && line.contains("Europe/Paris");
        ensure!(lines.iter().all(zoned), "not in Paris: {lines:?}");
        let mut windows = lines.windows(expected.len());
        let found = windows.any(|window| {
            let mut both = window.iter().zip(expected);
            both.all(|(line, expected)| line.contains(expected))
        });
        ensure!(found, "{expected:?} aren't in {lines:?}");
    }
    // What is left of that day, and nothing after it.
    let next = sandbox.run(&["schedule", "next", "spring", "--count", "100"])?;
    let lines = next.success()?.lines;
    ensure!(lines.len() == 46, "a day of {} half hours", lines.len());
    Ok(())
}

/// Whoever has written them.
pub fn schedule_list_survives_a_bad_row(sandbox: &Sandbox) -> Result<()> {
    add(sandbox, "good")?;
    add(sandbox, "paused")?;
    ask(sandbox, "pause", "paused")?;
    sandbox.database()?.execute_batch(
        "INSERT INTO schedules
             (name, task_kind, task_parameters, expression, time_zone, next_at, computed_at)
         VALUES ('a-expression', 'waiting', '{}', 'now and then', 'UTC', 1, 1),
                ('b-zone', 'waiting', '{}', '* * * * *', 'Mars/Olympus', 2, 2),
                ('c-never', 'unknown', '{}', '0 0 1 1 *', 'UTC', NULL, 3),
                ('d-' || CAST(x'FF1B5B324A0A' AS TEXT), 'waiting', '{}', '* * * * *', 'UTC',
                 9223372036854775807, -9223372036854775808)",
    )?;
    let listed = sandbox.run(&["schedule", "list"])?.success()?;
    let names = listed
        .lines
        .iter()
        .map(|line| line.split_whitespace().next());
    let names: Vec<_> = names.flatten().collect();
    let expected = [
        "a-expression",
        "b-zone",
        "c-never",
        "d-\u{fffd}\u{fffd}[2J",
        "good",
        "paused",
    ];
    ensure!(names == expected, "{names:?} are listed");
    for (line, expected) in listed.lines.iter().zip([
        &["now and then", "can't be read: "][..],
        &["Mars/Olympus", "can't be read: "],
        &["unknown", "0 0 1 1 *", "never again"],
        &["* * * * *", "next "],
        &["waiting", "* * * * * *", "UTC", "next "],
        &["paused since "],
    ]) {
        let text = line.as_str();
        let missing = expected.iter().find(|word| !text.contains(**word));
        ensure!(missing.is_none(), "no {missing:?} in: {text}");
    }
    let text = sandbox.run(&["schedule", "list", "--json"])?.success()?;
    let json: serde_json::Value = serde_json::from_str(&text.text())?;
    let names = json.as_array().context("an array")?.iter();
    ensure!(names.count() == 6, "not all are in the array");
    ensure!(
        json[5]["paused_at"].is_string(),
        "it isn't paused: {}",
        json[5]
    );
    ensure!(
        json[0]["wrong"].is_string(),
        "nothing is wrong: {}",
        json[0]
    );
    Ok(())
}
