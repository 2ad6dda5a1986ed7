use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use tracing::{info, warn};

use crate::store::Due;
use crate::{Engine, Error};

/// Creates the tasks of the schedules. Every engine does: whichever comes first.
pub(crate) struct Recurring {
    engine: Arc<Engine>,
    /// What was told of each schedule that can't go on: once is enough.
    told: HashMap<String, String>,
    /// When the next tick is.
    next: Option<Timestamp>,
}

impl Recurring {
    /// Looks a first time.
    pub async fn start(engine: Arc<Engine>) -> Self {
        let mut recurring = Self {
            engine,
            told: HashMap::new(),
            next: None,
        };
        recurring.look().await;
        recurring
    }

    /// Looks for ever: at each tick, when a schedule has changed, and once in a while, since the clock
    /// may have been set, or the machine asleep.
    pub async fn run(mut self) -> Result<(), Error> {
        let store = self.engine.store.clone();
        let mut changes = store.schedules();
        loop {
            changes.mark_unchanged();
            self.look().await;
            let latest = store.clock().after(self.engine.config.wake_up_interval);
            let at = self.next.map_or(latest, |next| next.min(latest));
            tokio::select! {
                () = store.clock().sleep_until(at) => (),
                _ = changes.changed() => (),
            }
        }
    }

    /// None of them holds up the others.
    async fn look(&mut self) {
        let due = self.engine.store.due_schedules().await;
        let (due, next) = due.unwrap_or_else(|error| {
            // The next look may see more.
            warn!(error = error.with_causes(), "schedules can't be read");
            (Vec::new(), None)
        });
        self.next = next;
        for due in due {
            let name = due.schedule.name.clone();
            match self.tick(due).await {
                Ok(()) => drop(self.told.remove(&name)),
                Err(error) => {
                    let error = error.with_causes();
                    if self.told.get(&name) != Some(&error) {
                        warn!(schedule = name, error, "schedule can't go on");
                        self.told.insert(name, error);
                    }
                }
            }
        }
    }

    async fn tick(&self, due: Due) -> Result<(), Error> {
        let store = &self.engine.store;
        // Whatever was missed: one task for all of it.
        let next = due.schedule.next_after(store.now()).await?;
        let schedule = due.schedule.name.clone();
        if let Some((tick, task)) = store.tick(due, next).await? {
            info!(schedule, %tick, task, "tick");
        }
        Ok(())
    }
}
