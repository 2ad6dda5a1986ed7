//! `schedule`: tasks that come again and again.

use std::path::Path;

use anyhow::{Context, Result};
use jiff::{SignedDuration, Timestamp};
use step45_savepoints::{Error, Reader, Schedule, ScheduleRecord, Store};

use super::cli::{ScheduleArguments, ScheduleCommand};
use super::output::print;
use super::tasks::registry;

pub async fn run(path: &Path, command: ScheduleCommand) -> Result<()> {
    match command {
        ScheduleCommand::Add(new) => add(&Store::open(path)?, new).await,
        ScheduleCommand::List { json } => list(&Reader::open(path)?, json).await,
        ScheduleCommand::Next { name, count } => next(&Reader::open(path)?, &name, count).await,
        ScheduleCommand::Pause { name } => {
            let paused = Store::open_existing(path)?.pause_schedule(&name).await?;
            let what = ["was paused already", "is paused"][usize::from(paused)];
            print(&[format!("schedule {name} {what}")])
        }
        ScheduleCommand::Resume { name } => {
            let resumed = Store::open_existing(path)?.resume_schedule(&name).await?;
            let what = ["wasn't paused", "is resumed"][usize::from(resumed)];
            print(&[format!("schedule {name} {what}")])
        }
        ScheduleCommand::Remove { names } => {
            let store = Store::open_existing(path)?;
            for name in names {
                store.remove_schedule(&name).await?;
                print(&[format!("schedule {name} is removed")])?;
            }
            Ok(())
        }
    }
}

async fn add(store: &Store, new: ScheduleArguments) -> Result<()> {
    let parameters = serde_json::from_str(&new.parameters).context("the parameters aren't JSON")?;
    let task = registry().new_task(&new.kind, parameters)?;
    let schedule = Schedule::new(&new.name, task, &new.expression)?.time_zone(&new.time_zone);
    let mut schedule = schedule.missed(new.missed);
    if new.overlap {
        schedule = schedule.overlapping();
    }
    let next = store.add_schedule(schedule).await?.in_tz(&new.time_zone)?;
    print(&[format!("schedule {} added: next at {next}", new.name)])
}

async fn next(reader: &Reader, name: &str, count: std::num::NonZero<u16>) -> Result<()> {
    let mut all = reader.schedules().await?.into_iter();
    let found = all.find(|schedule| schedule.name == name);
    let schedule = found.ok_or_else(|| Error::NoSchedule(name.to_owned()))?;
    let (mut lines, mut time) = (vec![], Timestamp::now());
    while lines.len() < count.get().into()
        && let Some(next) = schedule.next_tick(time)?
    {
        lines.push(next.in_tz(&schedule.time_zone)?.to_string());
        time = next;
    }
    if lines.is_empty() {
        lines.push(format!("schedule {name} never comes again"));
    }
    print(&lines)
}

async fn list(reader: &Reader, json: bool) -> Result<()> {
    let schedules = reader.schedules().await?;
    if json {
        return print(&[serde_json::to_string_pretty(&schedules)?]);
    }
    print(&schedules.iter().map(line).collect::<Vec<_>>())
}

fn line(schedule: &ScheduleRecord) -> String {
    let next = match (&schedule.wrong, schedule.paused_at, schedule.next_at) {
        (Some(wrong), ..) => format!("can't be read: {wrong}"),
        (_, Some(since), _) => format!("paused since {since:.0}"),
        (.., Some(next)) => {
            let left = next.duration_since(Timestamp::now()).as_secs();
            format!("next {next:.0} ({:#})", SignedDuration::from_secs(left))
        }
        _ => "never again".to_owned(),
    };
    let last = schedule.last_task.map(|task| format!("  last task {task}"));
    let (name, kind, last) = (&schedule.name, &schedule.kind, last.unwrap_or_default());
    let (cron, zone) = (&schedule.expression, &schedule.time_zone);
    format!("{name:<24}  {kind}  {cron}  {zone}  {next}{last}").replace('\n', " ")
}
