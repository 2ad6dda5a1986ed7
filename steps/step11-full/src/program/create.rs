//! `task-engine create`.

use task_engine::{Error, NewTask, Registry, Store};

use super::Failure;
use super::cli::CreateArguments;
use super::output::print;

pub fn task(registry: &Registry, arguments: &CreateArguments) -> Result<NewTask, Error> {
    let mut task = registry.new_task(&arguments.kind, &arguments.parameters)?;
    task.scheduled_at = arguments.at.or(arguments.delay);
    Ok(task)
}

pub async fn create(store: &Store, task: NewTask, count: u32) -> Result<(), Failure> {
    let last: Option<i64> = store
        .transaction(move |tx, now| {
            let mut last = None;
            for _ in 0..count {
                last = Some(Store::create_new_task_in(tx, now, &task)?);
            }
            Ok::<_, Error>(last)
        })
        .await?;
    match last {
        Some(id) if count == 1 => print(&format!("task {id} created\n")),
        _ => print(&format!("{count} tasks created\n")),
    }
}
