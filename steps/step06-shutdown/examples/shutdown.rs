//! Three ways of answering Ctrl+C, with ten tasks of one second and two workers:
//!
//! - `dead`: nothing is done about signals;
//! - `hang`: the workers stop, but nobody waits for them;
//! - `proper`: the program ends with its last worker.

use std::future::pending;
use std::time::Duration;

use step06_shutdown::{Config, Engine, EngineHandle, Handler, Store};
use tokio::signal::ctrl_c;
use tokio::time::sleep;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_target(false).init();
    let behaviour = std::env::args().nth(1).unwrap_or_default();
    let folder = tempfile::tempdir()?;
    let store = Store::open(folder.path().join("task_engine.db"))?;
    for _ in 0..10 {
        store.create().await?;
    }

    let handler = Handler::new(|_| sleep(Duration::from_secs(1)));
    let config = Config {
        workers: 2,
        ..Config::default()
    };
    let engine = Engine::new(store, handler, config);
    match behaviour.as_str() {
        "dead" => engine.run().await?,
        "hang" => {
            tokio::spawn(stop_on_ctrl_c(engine.handle()));
            tokio::spawn(engine.run());
            pending::<()>().await;
        }
        "proper" => {
            tokio::spawn(stop_on_ctrl_c(engine.handle()));
            engine.run().await?;
        }
        _ => println!("usage: shutdown dead|hang|proper"),
    }
    Ok(())
}

async fn stop_on_ctrl_c(engine: EngineHandle) {
    if ctrl_c().await.is_ok() {
        engine.stop();
    }
}
