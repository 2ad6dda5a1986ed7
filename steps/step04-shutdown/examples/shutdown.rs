//! Ten tasks of one second, and a stop requested after a second and a half: the four tasks that
//! have started end, the six others wait for another day.

use std::time::Duration;

use step04_shutdown::{Config, Engine, Handler, Store, TaskStatus};
use tokio::time::sleep;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_target(false).init();
    let folder = tempfile::tempdir()?;
    let store = Store::open(folder.path().join("task_engine.db"))?;
    for _ in 0..10 {
        store.create_task().await?;
    }

    let handler = Handler::new(|_| sleep(Duration::from_secs(1)));
    let engine = Engine::new(store.clone(), handler, Config { workers: 2 });
    let handle = engine.handle();
    tokio::spawn(async move {
        sleep(Duration::from_millis(1500)).await;
        handle.stop();
    });
    engine.run().await?;

    let waiting = store.count_tasks(TaskStatus::Waiting).await?;
    println!("{waiting} tasks are still waiting");
    Ok(())
}
