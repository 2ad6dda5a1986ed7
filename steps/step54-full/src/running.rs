use std::panic;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::{Engine, EngineHandle, Error};

/// How often [`RunningEngine::drain`] looks whether something is left to do.
const DRAIN_INTERVAL: Duration = Duration::from_millis(20);

/// An engine that works in the background.
///
/// Dropped, it is asked to stop: its running tasks end, as long as the runtime lives, with nobody
/// to wait for them. Better keep it, and call [`RunningEngine::shutdown`].
#[must_use = "dropped, it stops"]
#[derive(Debug)]
pub struct RunningEngine {
    engine: Arc<Engine>,
    work: JoinHandle<Result<(), Error>>,
}

impl RunningEngine {
    pub(crate) fn new(engine: Arc<Engine>) -> Self {
        let work = tokio::spawn(engine.clone().work());
        Self { engine, work }
    }

    /// What stops this engine from elsewhere.
    pub fn handle(&self) -> EngineHandle {
        self.engine.handle()
    }

    /// Asks the engine to stop, and waits until its running tasks have ended, or are put back: see
    /// [`Config::grace`](crate::Config::grace). A future that is dropped has asked nevertheless.
    ///
    /// # Errors
    /// Those of the store that have stopped the engine before.
    pub async fn shutdown(self) -> Result<(), Error> {
        self.handle().stop();
        self.wait().await
    }

    /// Waits until the engine has ended, because someone else stops it: a signal, an
    /// [`EngineHandle`].
    ///
    /// # Errors
    /// Those of the store: they stop the engine too.
    ///
    /// # Panics
    /// If the engine has panicked, or the runtime ends.
    pub async fn wait(mut self) -> Result<(), Error> {
        let ended = (&mut self.work).await;
        ended.unwrap_or_else(|error| panic::resume_unwind(error.into_panic()))
    }

    /// Executes all that is due, and what these tasks create, then stops. Tasks that are scheduled
    /// for later, or wait for a retry, stay where they are. If the engine ends before, for whatever
    /// reason, so does this.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn drain(self) -> Result<(), Error> {
        while !self.work.is_finished() {
            match self.engine.has_work().await {
                Ok(true) => tokio::time::sleep(DRAIN_INTERVAL).await,
                Ok(false) => break,
                Err(error) => return self.shutdown().await.and(Err(error)),
            }
        }
        let told = self.engine.report_paused_kinds().await;
        self.shutdown().await.and(told)
    }
}

impl Drop for RunningEngine {
    fn drop(&mut self) {
        self.handle().stop();
    }
}
