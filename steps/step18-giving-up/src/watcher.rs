use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::{Engine, Error};

/// However short the interval is said to be, there is one.
const SHORTEST: Duration = Duration::from_millis(1);

/// Notices what other processes write in the database, and wakes a worker each time.
pub(crate) struct Watcher {
    engine: Arc<Engine>,
    version: i64,
}

impl Watcher {
    /// What is committed from now on will be noticed.
    pub async fn new(engine: Arc<Engine>) -> Result<Self, Error> {
        let version = engine.store.data_version().await?;
        Ok(Self { engine, version })
    }

    /// Watches for ever, or until the database isn't there any more.
    pub async fn run(mut self) -> Result<(), Error> {
        loop {
            sleep(self.engine.config.watch_interval.max(SHORTEST)).await;
            let version = self.engine.store.data_version().await?;
            if version != self.version {
                self.version = version;
                self.engine.wake_up.wake_one();
            }
        }
    }
}
