//! What became of a task: when it was executed, for how long, and what it returned.

use serde::{Deserialize, Serialize};
use step08_monitoring::{Config, Engine, Error, Registry, Store, Task, TaskHandler, TaskStatus};

#[derive(Serialize, Deserialize)]
struct CountTask {
    text: String,
}

#[derive(Serialize)]
struct Count {
    words: usize,
    letters: usize,
}

impl TaskHandler for CountTask {
    const KIND: &'static str = "count";
    type Output = Count;

    async fn execute(self, _task: &Task) -> Count {
        Count {
            words: self.text.split_whitespace().count(),
            letters: self.text.chars().filter(|c| c.is_alphabetic()).count(),
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let store = Store::open(folder.path().join("monitoring.db"))?;
    for text in ["a task leaves a trace", "and another one"] {
        let text = text.to_owned();
        store.create_task(&CountTask { text }).await?;
    }

    let registry = Registry::default().with::<CountTask>();
    let engine = Engine::new("example", store.clone(), registry, Config::default());
    let handle = engine.handle();
    let running = tokio::spawn(engine.run());
    while store.count_tasks(TaskStatus::Stopped).await? < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    handle.stop();
    running.await??;

    show(&store).await?;
    Ok(())
}

async fn show(store: &Store) -> Result<(), Error> {
    for listed in store.list_tasks(Some(TaskStatus::Stopped), 10).await? {
        let (task, executions) = store.find_task(listed.id).await?;
        println!("task {}: {}", task.id, task.parameters);
        for execution in executions {
            let result = execution.result.unwrap_or_default();
            println!("  execution {}: {result}", execution.id);
        }
    }
    Ok(())
}
