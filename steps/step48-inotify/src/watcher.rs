use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;
use tracing::warn;

use crate::listener::Listener;
use crate::{Engine, Error};

/// However short the interval is said to be, there is one.
const SHORTEST: Duration = Duration::from_millis(1);

/// Notices what other processes write in the database: each time, it wakes a worker, and looks
/// whether running tasks were cancelled, as it does when this process has cancelled some.
pub(crate) struct Watcher {
    engine: Arc<Engine>,
    version: i64,
    cancellations: watch::Receiver<()>,
    listener: io::Result<Listener>,
}

impl Watcher {
    /// What is committed from now on will be noticed.
    pub async fn new(engine: Arc<Engine>) -> Result<Self, Error> {
        let listener = engine.store.listen(engine.config.watch_interval);
        let version = engine.store.data_version().await?;
        let watcher = Self {
            cancellations: engine.store.cancellations(),
            engine,
            version,
            listener,
        };
        watcher.report();
        Ok(watcher)
    }

    /// Watches for ever, or until the database isn't there any more.
    pub async fn run(mut self) -> Result<(), Error> {
        loop {
            let interval = self.engine.config.watch_interval.max(SHORTEST);
            let told = async {
                if let Ok(listener) = &mut self.listener {
                    return listener.told().await;
                }
                sleep(interval).await;
                Ok(())
            };
            let mut deaf = None;
            tokio::select! {
                told = told => deaf = told.err(),
                _ = self.cancellations.changed() => self.engine.look_for_cancellations().await?,
            }
            let version = self.engine.store.data_version().await?;
            if version != self.version {
                self.version = version;
                self.engine.wake_up.wake_one();
                self.engine.store.schedules.send_replace(());
                self.engine.look_for_cancellations().await?;
            }
            // After the look, which knows better if it is the database that is gone.
            if let Some(error) = deaf {
                self.listener = Err(error);
                self.report();
            }
        }
    }

    /// That it looks all the time is worth a line.
    fn report(&self) {
        if let Err(error) = &self.listener {
            let interval = self.engine.config.watch_interval;
            warn!(%error, ?interval, "the kernel doesn't tell what is written: looking for it");
        }
    }
}
