use anyhow::{Result, ensure};
use jiff::Timestamp;

use super::common::{says, soon, stop};
use super::recovery::kill;
use crate::Program;
use crate::sandbox::{Load, Sandbox};

const EACH_SECOND: &str = "* * * * * *";
const EACH_YEAR: &str = "0 0 1 1 *";
const NOTHING: &str = r#"{"waiting_time": 0}"#;

/// How long ago a tick was missed, in milliseconds, for a schedule of each day.
const THREE_DAYS: i64 = 3 * 24 * 3_600_000;

/// Asks for tasks of this schedule, from the step on where one can.
fn add(sandbox: &Sandbox, name: &str, expression: &str) -> Result<()> {
    if sandbox.is_before("recurring") {
        return sandbox.create_database();
    }
    let mut add = vec!["schedule", "add", name, "waiting", expression, NOTHING];
    if !sandbox.is_before("misfires") {
        // Each tick has its task, whatever has become of the one before.
        add.push("--overlap");
    }
    sandbox.run(&add)?.success()?;
    Ok(())
}

/// Before, each machine has a cron of its own, which creates a task at each tick.
fn tick_by_cron(sandbox: &Sandbox, machines: usize) -> Result<()> {
    if !sandbox.is_before("recurring") {
        return Ok(());
    }
    for tick in 1..=5 {
        let at = Timestamp::from_second(1_800_000_000 + tick)?.to_string();
        for _ in 0..machines {
            sandbox
                .create(&["waiting", NOTHING, "--at", &at])?
                .success()?;
        }
    }
    Ok(())
}

fn start(sandbox: &Sandbox, name: &str) -> Result<Program> {
    let mut engine = sandbox.start_engine_named(name, Load::waiting(0.0))?;
    engine.wait_for("engine started", 1)?;
    Ok(engine)
}

/// When the tasks were for, in seconds, in the order of the calendar.
fn ticks(sandbox: &Sandbox) -> Result<Vec<i64>> {
    let database = sandbox.database()?;
    let mut ticks =
        database.prepare("SELECT scheduled_at / 1000 FROM tasks ORDER BY scheduled_at")?;
    let ticks = ticks.query_map([], |row| row.get(0))?;
    Ok(ticks.collect::<Result<_, _>>()?)
}

fn until_there_are(sandbox: &Sandbox, expected: usize) -> Result<()> {
    soon(&format!("{expected} ticks have had their tasks"), || {
        Ok(ticks(sandbox)?.len() >= expected)
    })
}

/// A task for each second from the first one to the last one, and no other.
fn one_each_second(sandbox: &Sandbox) -> Result<()> {
    let ticks = ticks(sandbox)?;
    for pair in ticks.windows(2) {
        let (tick, next) = (pair[0], pair[1]);
        ensure!(next > tick, "the tick {tick} has had several tasks");
        ensure!(next == tick + 1, "after {tick} comes {next}");
    }
    Ok(())
}

pub fn one_tick_one_task(sandbox: &Sandbox) -> Result<()> {
    add(sandbox, "each-second", EACH_SECOND)?;
    let engines = ["first", "second", "third", "fourth"];
    let engines = engines.map(|name| start(sandbox, name));
    let engines = engines.into_iter().collect::<Result<Vec<_>>>()?;
    tick_by_cron(sandbox, engines.len())?;
    until_there_are(sandbox, 5)?;
    for engine in engines {
        stop(engine)?;
    }
    one_each_second(sandbox)
}

/// No leader whose death would have to be noticed: the next tick comes in time.
pub fn killed_engine_takes_no_tick_with_it(sandbox: &Sandbox) -> Result<()> {
    add(sandbox, "each-second", EACH_SECOND)?;
    let (first, second) = (start(sandbox, "first")?, start(sandbox, "second")?);
    until_there_are(sandbox, 2)?;
    kill(first)?;
    let third = start(sandbox, "third")?;
    until_there_are(sandbox, 4)?;
    kill(second)?;
    until_there_are(sandbox, 6)?;
    stop(third)?;
    one_each_second(sandbox)
}

/// Makes it look as if no engine had run for three days.
fn pretend_absence(sandbox: &Sandbox) -> Result<i64> {
    let database = sandbox.database()?;
    if !sandbox.is_before("recurring") {
        let update = "UPDATE schedules SET next_at = next_at - ?1, computed_at = computed_at - ?1";
        database.execute(update, [THREE_DAYS])?;
        let next = "SELECT next_at / 1000 FROM schedules";
        return Ok(database.query_one(next, [], |row| row.get(0))?);
    }
    Ok(0)
}

fn drain(sandbox: &Sandbox) -> Result<()> {
    let mut engine = sandbox.engine_command(Load::waiting(0.0));
    engine.arg("--until-empty");
    Program::start(engine)?.finish()?.success()?;
    Ok(())
}

/// In the middle of the night, or at noon: at another time than now.
fn each_day() -> String {
    let hour = Timestamp::now().as_second() / 3600 % 24;
    format!("0 {} * * *", (hour + 12) % 24)
}

pub fn missed_ticks_make_one_task(sandbox: &Sandbox) -> Result<()> {
    add(sandbox, "each-day", &each_day())?;
    let missed = pretend_absence(sandbox)?;
    drain(sandbox)?;
    let tasks = ticks(sandbox)?;
    ensure!(tasks == [missed], "{tasks:?} for {missed}, and two more");
    // And nothing is left to do.
    drain(sandbox)?;
    ensure!(ticks(sandbox)?.len() == 1, "the ticks come a second time");
    ensure!(sandbox.count("stopped")? == 1, "it isn't executed");
    Ok(())
}

/// A program says what its schedules are each time it starts.
pub fn same_schedule_again_changes_nothing(sandbox: &Sandbox) -> Result<()> {
    let each_day = each_day();
    add(sandbox, "each-day", &each_day)?;
    let missed = pretend_absence(sandbox)?;
    add(sandbox, "each-day", &each_day)?;
    drain(sandbox)?;
    add(sandbox, "each-day", &each_day)?;
    drain(sandbox)?;
    let tasks = ticks(sandbox)?;
    ensure!(tasks == [missed], "{tasks:?} for {missed}");
    Ok(())
}

/// The other schedule shows that time goes on.
pub fn changed_schedule_counts_at_once(sandbox: &Sandbox) -> Result<()> {
    add(sandbox, "changing", EACH_YEAR)?;
    let engine = start(sandbox, "engine")?;
    add(sandbox, "changing", EACH_SECOND)?;
    until_there_are(sandbox, 2)?;
    add(sandbox, "changing", EACH_YEAR)?;
    let before = ticks(sandbox)?.len();
    add(sandbox, "other", EACH_SECOND)?;
    until_there_are(sandbox, before + 3)?;
    stop(engine)?;
    let counted = "SELECT count(*) FROM tasks WHERE schedule = 'changing'";
    let counted: usize = sandbox
        .database()?
        .query_one(counted, [], |row| row.get(0))?;
    ensure!(counted == before, "{counted} ticks, and {before} before");
    Ok(())
}

/// Whoever has written them.
pub fn bad_schedules_hold_up_nothing(sandbox: &Sandbox) -> Result<()> {
    add(sandbox, "good", EACH_SECOND)?;
    if !sandbox.is_before("recurring") {
        sandbox.database()?.execute_batch(
            "INSERT INTO schedules
                 (name, task_kind, task_parameters, expression, time_zone, next_at, computed_at)
             VALUES ('a-expression', 'waiting', '{}', 'now and then', 'UTC', 1, 1),
                    ('b-zone', 'waiting', '{}', '* * * * *', 'Mars/Olympus', 2, 2),
                    ('c-' || CAST(x'FF' AS TEXT), 'waiting', '{}', '* * * * *', 'UTC', 3, 3)",
        )?;
    }
    let engine = start(sandbox, "engine")?;
    until_there_are(sandbox, 4)?;
    let log = stop(engine)?.events();
    for name in ["a-expression", "b-zone"] {
        let told = log.iter().filter(|event| {
            let named = |value: &String| value.contains(name);
            event.message == "tick held up" && event.fields.get("schedule").is_some_and(named)
        });
        let told = told.count();
        ensure!(told == 1, "{name} is told {told} times");
    }
    one_each_second(sandbox)
}

pub fn expression_that_never_comes_is_refused(sandbox: &Sandbox) -> Result<()> {
    sandbox.create_database()?;
    let add = |expression, zone| {
        let add = ["schedule", "add", "odd", "waiting", expression, NOTHING];
        sandbox.run(&[&add[..], &["--time-zone", zone]].concat())
    };
    let right = add("0 9 * * MON", "Europe/Paris")?.success()?;
    says(
        &right,
        &[
            "schedule odd added: next at ",
            "T09:00:00+0",
            "[Europe/Paris]",
        ],
    )?;
    for (expression, zone, reason) in [
        ("0 0 30 2 *", "UTC", "there is none to come"),
        ("every day", "UTC", "odd"),
        ("* * * * *", "Mars/Olympus", "Mars/Olympus"),
    ] {
        let wrong = add(expression, zone)?;
        ensure!(
            !wrong.status.success(),
            "{expression} in {zone} is accepted"
        );
        says(&wrong, &["error: ", "\"odd\"", reason])?;
    }
    let kept = "SELECT expression FROM schedules";
    let kept: String = sandbox.database()?.query_one(kept, [], |row| row.get(0))?;
    ensure!(kept == "0 9 * * MON", "\"{kept}\" is kept");
    Ok(())
}
