use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::watch;

use crate::{Engine, Error};

/// Wakes a worker when the next task is due: one alarm an engine, however many workers sleep.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    next: watch::Sender<Option<Timestamp>>,
}

impl Alarm {
    /// Sets the alarm, unless it is already set to an earlier time.
    pub fn set(&self, at: Timestamp) {
        self.next.send_if_modified(|next| {
            let earlier = next.is_none_or(|next| at < next);
            if earlier {
                *next = Some(at);
            }
            earlier
        });
    }

    /// Rings for ever. It rings without being set, too, once in a while: the clock may have been
    /// set, or the machine asleep.
    pub async fn run(engine: Arc<Engine>) -> Result<(), Error> {
        let next = &engine.alarm.next;
        let mut changes = next.subscribe();
        loop {
            let clock = engine.store.clock();
            let latest = clock.after(engine.config.wake_up_interval);
            let at = next.borrow().map_or(latest, |next| next.min(latest));
            tokio::select! {
                () = clock.sleep_until(at) => {
                    next.send_if_modified(|next| next.take_if(|next| *next <= at).is_some());
                    engine.wake_up.wake_one();
                }
                _ = changes.changed() => (),
            }
        }
    }
}
