use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::Notify;

/// Wakes the workers of one engine; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct WakeUp {
    notify: Arc<Notify>,
}

impl WakeUp {
    /// Wakes one worker. If none is asleep, the next one that wants to sleep doesn't.
    pub fn wake_one(&self) {
        self.notify.notify_one();
    }

    /// Sleeps until it is woken.
    pub async fn wait(&self) {
        self.notify.notified().await;
    }
}

/// The engines of this process that work on a store; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct WakeUps {
    engines: Arc<Mutex<Vec<Weak<Notify>>>>,
}

impl WakeUps {
    /// What will wake the workers of one more engine.
    pub fn for_engine(&self) -> WakeUp {
        let wake_up = WakeUp::default();
        let mut engines = self.engines.lock().unwrap_or_else(PoisonError::into_inner);
        engines.retain(|engine| engine.strong_count() > 0);
        engines.push(Arc::downgrade(&wake_up.notify));
        wake_up
    }

    /// Wakes one worker of each engine, since one may know a kind that another doesn't.
    pub fn wake_one_each(&self) {
        let engines = self.engines.lock().unwrap_or_else(PoisonError::into_inner);
        for engine in engines.iter().filter_map(Weak::upgrade) {
            engine.notify_one();
        }
    }
}
