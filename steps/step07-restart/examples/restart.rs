//! An engine is cut short in the middle of its tasks. Under the same name, the next one refuses
//! to start, until somebody has decided what to do with these tasks.

use std::time::Duration;

use step07_restart::{Config, Engine, Handler, Store};
use tokio::time::{sleep, timeout};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let store = Store::open(folder.path().join("task_engine.db"))?;
    for _ in 0..3 {
        store.create().await?;
    }

    let day = Duration::from_hours(24);
    let cut_short = engine("first", &store, Handler::new(move |_| sleep(day)));
    let _ = timeout(Duration::from_millis(200), cut_short.run()).await;

    let handler =
        Handler::new(|context| async move { println!("task {} is executed", context.task.id) });
    if let Err(error) = engine("first", &store, handler.clone()).run().await {
        println!("{error}");
    }
    println!("Under another name:");
    Ok(engine("second", &store, handler).run().await?)
}

fn engine(instance: &str, store: &Store, handler: Handler) -> Engine {
    let config = Config {
        instance: instance.to_owned(),
        workers: 2,
        ..Config::default()
    };
    Engine::new(store.clone(), handler, config)
}
