use anyhow::{Result, ensure};
use jiff::Timestamp;

use super::common::{soon, stop};
use super::recovery::{kill, start};
use crate::Program;
use crate::sandbox::{Load, Sandbox};

const EACH_SECOND: &str = "* * * * * *";
const SLOW: &str = r#"{"waiting_time": 2.5}"#;
const QUICK: &str = r#"{"waiting_time": 0}"#;

/// Six ticks, every ten minutes.
const HOUR: i64 = 3_600_000;

/// Asks for this, from the step on where one can: until then, there is but one way.
fn add(sandbox: &Sandbox, schedule: &[&str], options: &[&str]) -> Result<()> {
    let options = if sandbox.is_before("misfires") {
        &[]
    } else {
        options
    };
    let add = [&["schedule", "add"], schedule, options].concat();
    sandbox.run(&add)?.success()?;
    Ok(())
}

/// Every ten minutes, and some five minutes from now.
fn every_ten_minutes() -> String {
    let minute = Timestamp::now().as_second() / 60 % 60;
    format!("{}-59/10 * * * *", (minute + 5) % 10)
}

/// Makes it look as if no engine had run for so long.
fn pretend_absence(sandbox: &Sandbox, millis: i64) -> Result<()> {
    let update = "UPDATE schedules SET next_at = next_at - ?1, computed_at = computed_at - ?1";
    sandbox.database()?.execute(update, [millis])?;
    Ok(())
}

fn drain(sandbox: &Sandbox) -> Result<()> {
    let mut engine = sandbox.engine_command(Load::waiting(0.0));
    engine.arg("--until-empty");
    Program::start(engine)?.finish()?.success()?;
    Ok(())
}

/// The number that answers this.
fn count(sandbox: &Sandbox, query: &str) -> Result<i64> {
    Ok(sandbox.database()?.query_one(query, [], |row| row.get(0))?)
}

fn tasks_of(sandbox: &Sandbox, schedule: &str) -> Result<i64> {
    count(
        sandbox,
        &format!("SELECT count(*) FROM tasks WHERE schedule = '{schedule}'"),
    )
}

/// A task was there before that of an earlier tick had ended.
const OVERLAPS: &str = "SELECT count(*) FROM tasks JOIN tasks AS earlier USING (schedule)
    WHERE earlier.tick < tasks.tick AND (
        earlier.status IN ('waiting', 'running') OR tasks.created_at <
        (SELECT max(stopped_at) FROM task_executions WHERE task_id = earlier.id)
    )";

fn no_overlap(sandbox: &Sandbox) -> Result<()> {
    let overlaps = count(sandbox, OVERLAPS)?;
    ensure!(
        overlaps == 0,
        "{overlaps} tasks wait, or run, beside that of an earlier tick"
    );
    Ok(())
}

pub fn missed_ticks_by_policy(sandbox: &Sandbox) -> Result<()> {
    let expression = every_ten_minutes();
    for policy in ["skip", "once", "all"] {
        let schedule = [policy, "waiting", &expression, QUICK];
        add(sandbox, &schedule, &["--missed", policy])?;
    }
    let to_come = "SELECT min(next_at) FROM schedules";
    let to_come = count(sandbox, to_come)?;
    pretend_absence(sandbox, HOUR)?;
    // The second time, nothing is left to do.
    for _ in 0..2 {
        drain(sandbox)?;
        for (policy, expected) in [("skip", 0), ("once", 1), ("all", 6)] {
            let tasks = tasks_of(sandbox, policy)?;
            ensure!(
                tasks == expected,
                "\"{policy}\" has made {tasks} tasks of 6 ticks"
            );
        }
    }
    let each = format!(
        "SELECT count(*) FROM tasks WHERE schedule = 'all' AND scheduled_at = tick
         AND ({to_come} - tick) % 600000 = 0 AND tick BETWEEN {to_come} - {HOUR} AND {to_come} - 1"
    );
    ensure!(
        count(sandbox, &each)? == 6,
        "they aren't those of the ticks"
    );
    let moved = format!("SELECT count(*) FROM schedules WHERE next_at = {to_come}");
    ensure!(count(sandbox, &moved)? == 3, "the next ticks aren't right");
    Ok(())
}

/// It isn't missed.
pub fn late_tick_has_its_task(sandbox: &Sandbox) -> Result<()> {
    let expression = every_ten_minutes();
    for name in ["late", "missed"] {
        let schedule = [name, "waiting", &expression, QUICK];
        add(sandbox, &schedule, &["--missed", "skip"])?;
    }
    let now = Timestamp::now().as_millisecond();
    for (name, late) in [("late", 20_000), ("missed", 100_000)] {
        let update = "UPDATE schedules SET next_at = ?1, computed_at = ?1 - 1000 WHERE name = ?2";
        sandbox.database()?.execute(update, (now - late, name))?;
    }
    drain(sandbox)?;
    for (name, expected) in [("late", 1), ("missed", 0)] {
        let tasks = tasks_of(sandbox, name)?;
        ensure!(
            tasks == expected,
            "the tick that is {name} has {tasks} tasks"
        );
    }
    Ok(())
}

pub fn catch_up_is_capped(sandbox: &Sandbox) -> Result<()> {
    let schedule = ["each-second", "waiting", EACH_SECOND, QUICK];
    add(sandbox, &schedule, &["--missed", "all"])?;
    pretend_absence(sandbox, 365 * 24 * HOUR)?;
    let started_at = Timestamp::now().as_second();
    let engine = start(sandbox, "engine", Load::waiting(0.0), 0)?;
    soon("the last 100 ticks have had their tasks", || {
        Ok(tasks_of(sandbox, "each-second")? >= 100)
    })?;
    let log = stop(engine)?.events();
    let told = log
        .iter()
        .any(|event| event.message.starts_with("too many missed ticks"));
    ensure!(told, "nothing tells that others have none");
    let early = started_at - 100;
    let early = format!("SELECT count(*) FROM tasks WHERE tick / 1000 < {early}");
    ensure!(count(sandbox, &early)? == 0, "it isn't the last ones");
    let each = "SELECT max(tick) - min(tick) - 1000 * (count(*) - 1) FROM tasks";
    ensure!(count(sandbox, each)? == 0, "some between have none");
    Ok(())
}

pub fn no_overlap_unless_asked_for(sandbox: &Sandbox) -> Result<()> {
    let (apart, together) = (["apart"], ["together"]);
    let rest = ["waiting", EACH_SECOND, SLOW];
    add(sandbox, &[&apart[..], &rest].concat(), &[])?;
    let engine = start(sandbox, "engine", Load::waiting(2.5), 0)?;
    let ended = "SELECT count(*) FROM tasks WHERE status = 'stopped'";
    soon("three of them end", || Ok(count(sandbox, ended)? >= 3))?;
    no_overlap(sandbox)?;
    add(sandbox, &[&together[..], &rest].concat(), &["--overlap"])?;
    let running = "SELECT count(*) FROM tasks
                   WHERE schedule = 'together' AND status = 'running'";
    soon("several run at once", || Ok(count(sandbox, running)? >= 2))?;
    let log = stop(engine)?.events();
    let told = log
        .iter()
        .any(|event| event.message.starts_with("tick skipped") && event.task().is_some());
    ensure!(told, "nothing tells that a tick has no task, nor why");
    Ok(())
}

/// It isn't done, though it doesn't run; once it is, the ticks go on.
pub fn task_to_be_retried_is_not_done(sandbox: &Sandbox) -> Result<()> {
    let schedule = ["failing", "failing", EACH_SECOND, r#"{"divisor": 0}"#];
    add(sandbox, &schedule, &[])?;
    add(sandbox, &["other", "waiting", EACH_SECOND, QUICK], &[])?;
    let engine = start(sandbox, "engine", Load::waiting(0.0), 0)?;
    soon("time goes on", || Ok(tasks_of(sandbox, "other")? >= 3))?;
    let tasks = tasks_of(sandbox, "failing")?;
    ensure!(
        tasks == 1,
        "there are {tasks}, and the first one waits for its retry"
    );
    sandbox.run(&["cancel", "--kind", "failing"])?.success()?;
    soon("the next tick has its task", || {
        Ok(tasks_of(sandbox, "failing")? >= 2)
    })?;
    stop(engine)?;
    Ok(())
}

/// It is put back, and executed: then the ticks go on.
pub fn killed_engine_holds_its_schedule_for_a_lease(sandbox: &Sandbox) -> Result<()> {
    add(sandbox, &["slow", "waiting", EACH_SECOND, SLOW], &[])?;
    let killed = start(sandbox, "killed", Load::waiting(2.5), 0)?;
    soon("one runs", || Ok(sandbox.count("running")? >= 1))?;
    kill(killed)?;
    let other = start(sandbox, "other", Load::waiting(2.5), 0)?;
    soon("three of them end", || Ok(sandbox.count("stopped")? >= 3))?;
    no_overlap(sandbox)?;
    kill(other)
}

/// The policy is a part of the schedule, which a program adds each time it starts.
pub fn policy_can_be_changed(sandbox: &Sandbox) -> Result<()> {
    let expression = every_ten_minutes();
    let schedule = ["report", "waiting", &expression, QUICK];
    add(sandbox, &schedule, &["--missed", "all"])?;
    pretend_absence(sandbox, HOUR)?;
    add(sandbox, &schedule, &["--missed", "skip"])?;
    drain(sandbox)?;
    let tasks = tasks_of(sandbox, "report")?;
    ensure!(tasks == 0, "{tasks} tasks, and its ticks are to be skipped");
    let add = [&["schedule", "add"], &schedule[..], &["--missed", "never"]].concat();
    ensure!(
        !sandbox.run(&add)?.status.success(),
        "\"never\" is taken for a policy"
    );
    Ok(())
}
