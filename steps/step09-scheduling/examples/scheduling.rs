//! Reminders: each comes in its time, in whatever order they were created.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use step09_scheduling::{Clock, Config, Engine, Registry, Store, Task, TaskHandler, TaskStatus};

#[derive(Serialize, Deserialize)]
struct ReminderTask {
    text: String,
}

impl TaskHandler for ReminderTask {
    const KIND: &'static str = "reminder";
    type Output = ();

    async fn execute(self, task: &Task) {
        println!("task {}: {}", task.id, self.text);
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let store = Store::open(folder.path().join("scheduling.db"))?;
    let now = Clock::System.now();
    for (text, delay_ms) in [("in a second", 1000), ("very soon", 200), ("overdue", -1)] {
        let text = text.to_owned();
        let reminder = ReminderTask { text };
        store.create_task_at(&reminder, now + delay_ms).await?;
    }

    let registry = Registry::default().with::<ReminderTask>();
    let engine = Engine::new("example", store.clone(), registry, Config::default());
    let handle = engine.handle();
    let running = tokio::spawn(engine.run());
    while store.count_tasks(TaskStatus::Stopped).await? < 3 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    handle.stop();
    running.await??;
    Ok(())
}
