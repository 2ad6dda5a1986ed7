//! A task is its parameters: what Rust writes, JSON keeps, and Rust reads again.

use serde::{Deserialize, Serialize};
use step06_parameters::{Config, Engine, Registry, Store, Task, TaskHandler};

#[derive(Serialize, Deserialize)]
struct GreetingTask {
    name: String,
    times: u32,
}

impl TaskHandler for GreetingTask {
    const KIND: &'static str = "greeting";

    async fn execute(self, task: &Task) {
        for _ in 0..self.times {
            println!("task {}: hello, {}", task.id, self.name);
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let store = Store::open(folder.path().join("task_engine.db"))?;
    let registry = Registry::default().with::<GreetingTask>();

    let name = "Ada".to_owned();
    store.create_task(&GreetingTask { name, times: 2 }).await?;

    let from_text = registry.new_task("greeting", r#"{"name": "Grace", "times": 1}"#)?;
    store.create_new_task(from_text).await?;

    let refused = registry.new_task("greeting", r#"{"name": "Alan", "times": "once"}"#);
    if let Err(error) = refused {
        println!("refused: {error}");
    }

    let engine = Engine::new("example", store, registry, Config::default());
    engine.run().await?;
    Ok(())
}
