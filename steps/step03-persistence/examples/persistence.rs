//! A fresh database, 20 tasks, five workers, and the progress as the database tells it.

use std::time::Duration;

use step03_persistence::{Config, Engine, Handler, Store, TaskStatus};

const TASKS: usize = 20;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let store = Store::open(folder.path().join("task_engine.db"))?;
    for _ in 0..TASKS {
        store.create_task().await?;
    }

    let watched = store.clone();
    let handler = Handler::new(move |task| {
        let store = watched.clone();
        async move {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let waiting = store.count_tasks(TaskStatus::Waiting).await;
            let running = store.count_tasks(TaskStatus::Running).await;
            if let (Ok(waiting), Ok(running)) = (waiting, running) {
                let bar = "#".repeat(TASKS - waiting - running);
                println!(
                    "[{bar:.<TASKS$}] task {:>2}: {waiting:>2} waiting, {running} running",
                    task.id
                );
            }
        }
    });
    Engine::new(store, handler, Config::default()).run().await?;
    println!("[{}] done", "#".repeat(TASKS));
    Ok(())
}
