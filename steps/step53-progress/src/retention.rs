use std::mem;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tracing::{error, info, warn};

use crate::{Engine, Error, TaskStatus};

/// How long the tasks that have ended are kept, from their end on: for ever, unless there is a limit.
/// When the clock jumps by more than five days, all are kept as if they had ended then.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retention {
    /// Those that were executed.
    pub stopped: Option<Duration>,
    /// Those that have failed.
    pub failed: Option<Duration>,
    /// Those that were cancelled.
    pub cancelled: Option<Duration>,
}

/// Deletes those that are older than their limits, for ever: it looks every ten seconds.
pub(crate) async fn prune(engine: Arc<Engine>) -> Result<(), Error> {
    let (store, kept) = (&engine.store, engine.config.retention);
    let limits = [kept.stopped, kept.failed, kept.cancelled];
    let limits = TaskStatus::ENDED.iter().zip(limits);
    // Those that have ended before the time are gone, or can't be deleted.
    let limits = limits.filter_map(|(status, limit)| Some((status, limit?, Timestamp::MIN)));
    let (mut limits, mut told) = (limits.collect::<Vec<_>>(), Timestamp::MIN);
    while !limits.is_empty() {
        let next = store.clock().after(Duration::from_secs(10));
        let look = async {
            let (now, since) = store.watch_clock().await?;
            let news = mem::replace(&mut told, since) != since;
            for (status, limit, from) in &mut limits {
                let before = now.checked_sub(*limit).unwrap_or(Timestamp::MIN);
                if before >= since {
                    let deleted = store.prune(**status, *from..before).await?;
                    *from = before;
                    if deleted > 0 {
                        info!(%status, deleted, "old tasks deleted");
                    }
                } else if news {
                    warn!(%status, %since, "the clock is new, or was set: kept as if ended then");
                }
            }
            Ok::<_, Error>(())
        };
        match look.await {
            // It is watched, and told.
            Ok(()) | Err(Error::LongLog(_)) => (),
            Err(error) => error!(error = error.with_causes(), "old tasks can't be deleted"),
        }
        store.clock().sleep_until(next).await;
    }
    Ok(())
}
