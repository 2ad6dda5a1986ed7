//! `schedule`: tasks that come again and again.

use anyhow::{Context, Result};
use step39_recurring::{Schedule, Store};

use super::cli::ScheduleCommand;
use super::output::print;
use super::tasks::registry;

pub async fn run(store: &Store, command: ScheduleCommand) -> Result<()> {
    let ScheduleCommand::Add(new) = command;
    let parameters = serde_json::from_str(&new.parameters).context("the parameters aren't JSON")?;
    let task = registry().new_task(&new.kind, parameters)?;
    let schedule = Schedule::new(&new.name, task, &new.expression)?.time_zone(&new.time_zone);
    let next = store.add_schedule(schedule).await?.in_tz(&new.time_zone)?;
    print(&[format!("schedule {} added: next at {next}", new.name)])
}
