//! `schedule`: tasks that come again and again.

use std::path::Path;

use anyhow::{Context, Result};
use step38_recurring::{Schedule, Store};

use super::cli::ScheduleCommand;
use super::output::print;
use super::tasks::registry;

pub async fn schedule(path: &Path, command: ScheduleCommand) -> Result<()> {
    let ScheduleCommand::Add(arguments) = command;
    let parameters = serde_json::from_str(&arguments.parameters);
    let parameters = parameters.context("the parameters aren't JSON")?;
    let task = registry().new_task(&arguments.kind, parameters)?;
    let (name, zone) = (&arguments.name, &arguments.time_zone);
    let schedule = Schedule::new(name, task, arguments.expression)?.time_zone(zone);
    let next = Store::open(path)?.add_schedule(schedule).await?;
    let next = match next {
        Some(next) => format!("next at {}", next.in_tz(zone)?),
        None => "it has no tick to come".to_owned(),
    };
    print(&[format!("schedule {name} added: {next}")])
}
