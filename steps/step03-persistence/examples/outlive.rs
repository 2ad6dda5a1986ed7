//! What a store has kept is there for the next one.

use step03_persistence::{Config, Engine, Handler, Store};

const TASKS: usize = 3;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("task_engine.db");
    let store = Store::open(&path)?;
    for _ in 0..TASKS {
        println!("task {} is created", store.create().await?);
    }
    drop(store);

    let handler = Handler::new(|context| async move {
        println!("task {} is executed", context.task.id);
    });
    let engine = Engine::new(Store::open(&path)?, handler, Config::default());
    Ok(engine.run().await?)
}
