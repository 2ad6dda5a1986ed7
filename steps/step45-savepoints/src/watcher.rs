use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use crate::{Engine, Error};

/// However short the interval is said to be, there is one.
const SHORTEST: Duration = Duration::from_millis(1);

/// Notices what other processes write in the database: each time, it wakes a worker, and looks
/// whether running tasks were cancelled, as it does when this process has cancelled some.
pub(crate) struct Watcher {
    engine: Arc<Engine>,
    version: i64,
    cancellations: watch::Receiver<()>,
}

impl Watcher {
    /// What is committed from now on will be noticed.
    pub async fn new(engine: Arc<Engine>) -> Result<Self, Error> {
        let version = engine.store.data_version().await?;
        Ok(Self {
            cancellations: engine.store.cancellations(),
            engine,
            version,
        })
    }

    /// Watches for ever, or until the database isn't there any more.
    pub async fn run(mut self) -> Result<(), Error> {
        loop {
            tokio::select! {
                () = sleep(self.engine.config.watch_interval.max(SHORTEST)) => (),
                _ = self.cancellations.changed() => self.engine.look_for_cancellations().await?,
            }
            let version = self.engine.store.data_version().await?;
            if version != self.version {
                self.version = version;
                self.engine.wake_up.wake_one();
                self.engine.store.schedules.send_replace(());
                self.engine.look_for_cancellations().await?;
            }
        }
    }
}
