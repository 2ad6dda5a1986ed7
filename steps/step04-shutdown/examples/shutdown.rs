//! Three ways of answering Ctrl+C, with ten tasks of one second and two workers:
//!
//! - `dead`: nothing is done about signals;
//! - `hang`: the workers stop, but nobody waits for them;
//! - `proper`: the program ends with its last worker.

use std::time::Duration;

use step04_shutdown::{Config, Engine, Handler, Store, stop_on_signals};
use tokio::time::sleep;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_target(false).init();
    let behaviour = std::env::args().nth(1).unwrap_or_default();
    let folder = tempfile::tempdir()?;
    let store = Store::open(folder.path().join("task_engine.db"))?;
    for _ in 0..10 {
        store.create_task().await?;
    }

    let handler = Handler::new(|_| sleep(Duration::from_secs(1)));
    let engine = Engine::new(store, handler, Config { workers: 2 });
    match behaviour.as_str() {
        "dead" => engine.run().await?,
        "hang" => {
            stop_on_signals(engine.handle())?;
            tokio::spawn(engine.run());
            std::future::pending::<()>().await;
        }
        "proper" => {
            stop_on_signals(engine.handle())?;
            engine.run().await?;
        }
        _ => eprintln!("usage: shutdown dead|hang|proper"),
    }
    Ok(())
}
