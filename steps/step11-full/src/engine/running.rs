use std::collections::BTreeSet;
use std::panic;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::{Engine, EngineHandle, Error, Store};

/// How often [`RunningEngine::drain`] looks whether something is left to do.
const DRAIN_INTERVAL: Duration = Duration::from_millis(20);

/// An engine that works in the background.
///
/// Dropping this value doesn't stop it: as a thread does, it goes on, until it is stopped by an
/// [`EngineHandle`] or until the runtime ends, which cuts its tasks short. Better keep it, and
/// call [`RunningEngine::shutdown`].
#[must_use = "dropped, it leaves the engine running with nobody to wait for its tasks"]
pub struct RunningEngine {
    handle: EngineHandle,
    store: Store,
    kinds: Vec<String>,
    work: JoinHandle<Result<(), Error>>,
}

impl RunningEngine {
    pub(super) fn new(engine: Engine) -> Self {
        Self {
            handle: engine.handle(),
            store: engine.store.clone(),
            kinds: engine.registry.kinds(),
            work: tokio::spawn(engine.work()),
        }
    }

    /// What stops this engine from elsewhere; cheap to clone.
    pub fn handle(&self) -> EngineHandle {
        self.handle.clone()
    }

    /// The tasks that the workers of this engine are executing.
    pub fn running_tasks(&self) -> BTreeSet<i64> {
        self.handle.running_tasks()
    }

    /// Asks the engine to stop, and returns at once: running tasks end, no other starts.
    pub fn stop(&self) {
        self.handle.stop();
    }

    /// Stops the engine, and waits until its running tasks have ended.
    ///
    /// # Errors
    /// Those of the store that have stopped the engine before.
    pub async fn shutdown(self) -> Result<(), Error> {
        self.stop();
        self.wait().await
    }

    /// Waits until the engine is stopped by someone else: a signal, an [`EngineHandle`].
    ///
    /// # Errors
    /// Those of the store: they stop the engine too.
    pub async fn wait(self) -> Result<(), Error> {
        let ended = self.work.await;
        ended.unwrap_or_else(|error| panic::resume_unwind(error.into_panic()))
    }

    /// Executes all that is due, and what these tasks create, then stops. Tasks that are scheduled
    /// for later, or wait for a retry, stay where they are.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn drain(self) -> Result<(), Error> {
        loop {
            match self.has_work().await {
                Ok(true) if self.handle.is_running() => sleep(DRAIN_INTERVAL).await,
                Ok(_) => return self.shutdown().await,
                Err(error) => return self.shutdown().await.and(Err(error)),
            }
        }
    }

    async fn has_work(&self) -> Result<bool, Error> {
        // The database says all, but its answer takes time: it is asked when there is a doubt.
        if !self.handle.running_tasks().is_empty() {
            return Ok(true);
        }
        let instance = self.handle.instance();
        self.store.has_work(instance, &self.kinds).await
    }
}
