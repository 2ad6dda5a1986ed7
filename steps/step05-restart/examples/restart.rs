//! A task that an engine was executing when it died, and what the next engine says.

use step05_restart::{Config, Engine, Handler, Store};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let store = Store::open(folder.path().join("task_engine.db"))?;
    store.create_task().await?;
    store.create_task().await?;

    // As if the first engine had been killed just after this line.
    store.try_acquire_task("instance_01").await?;

    for instance in ["instance_01", "instance_02"] {
        let handler = Handler::new(|task| async move { println!("task {} runs", task.id) });
        let engine = Engine::new(instance, store.clone(), handler, Config::default());
        match engine.run().await {
            Ok(()) => println!("{instance} has ended"),
            Err(error) => println!("{instance} refuses to start: {error}"),
        }
    }
    Ok(())
}
