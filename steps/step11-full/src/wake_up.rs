use std::mem;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::{EngineHandle, Error};

/// Wakes the workers that sleep; cheap to clone.
#[derive(Clone)]
pub(crate) struct WakeUp {
    own: Arc<Notify>,
    all: Arc<Mutex<Vec<Weak<Notify>>>>,
}

impl Default for WakeUp {
    fn default() -> Self {
        let own = Arc::default();
        let all = Mutex::new(vec![Arc::downgrade(&own)]);
        Self {
            own,
            all: all.into(),
        }
    }
}

impl WakeUp {
    /// What wakes the workers of one more engine on the same store.
    pub fn for_engine(&self) -> Self {
        let own = Arc::default();
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|notify| notify.strong_count() > 0);
        all.push(Arc::downgrade(&own));
        Self {
            own,
            all: self.all.clone(),
        }
    }

    /// Wakes one worker of each engine, since one may know a kind that another doesn't. If none
    /// is asleep, the next one that wants to sleep doesn't.
    pub fn wake_one(&self) {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        for notify in all.iter().filter_map(Weak::upgrade) {
            notify.notify_one();
        }
    }

    /// Sleeps until it is woken.
    pub async fn wait(&self) {
        self.own.notified().await;
    }
}

/// Wakes a worker each time another connection has committed something in the database.
pub(crate) struct Watcher {
    connection: Connection,
    version: i64,
}

impl Watcher {
    /// What is committed from now on will be noticed.
    pub fn new(connection: Connection) -> rusqlite::Result<Self> {
        let mut watcher = Self {
            connection,
            version: 0,
        };
        watcher.has_changed()?;
        Ok(watcher)
    }

    /// Looks at the database so often, until the engine stops.
    pub async fn run(
        mut self,
        interval: Duration,
        wake_up: WakeUp,
        engine: EngineHandle,
    ) -> Result<(), Error> {
        while engine.is_running() {
            tokio::select! {
                () = sleep(interval) => (),
                () = engine.stopping() => (),
            }
            if self.has_changed()? {
                wake_up.wake_one();
            }
        }
        Ok(())
    }

    /// Blocks for a few microseconds: no file is read, only memory shared by the processes.
    fn has_changed(&mut self) -> rusqlite::Result<bool> {
        let version = self
            .connection
            .prepare_cached("PRAGMA data_version")?
            .query_one([], |row| row.get(0))?;
        Ok(mem::replace(&mut self.version, version) != version)
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::yield_now;

    use super::*;

    /// Starts tasks that sleep, and waits until they do.
    async fn sleepers(wake_up: &WakeUp) -> Vec<tokio::task::JoinHandle<()>> {
        let sleepers = (0..3)
            .map(|_| {
                let wake_up = wake_up.clone();
                tokio::spawn(async move { wake_up.wait().await })
            })
            .collect();
        yield_now().await;
        sleepers
    }

    #[tokio::test]
    async fn one_wake_up_wakes_one_sleeper() {
        let wake_up = WakeUp::default();
        let sleepers = sleepers(&wake_up).await;

        wake_up.wake_one();
        yield_now().await;

        let awake = sleepers.iter().filter(|sleeper| sleeper.is_finished());
        assert_eq!(awake.count(), 1);
    }

    #[tokio::test]
    async fn a_wake_up_that_finds_nobody_asleep_is_kept() {
        let wake_up = WakeUp::default();
        wake_up.wake_one();
        wake_up.wait().await;
    }

    #[test]
    fn a_rollback_is_not_noticed_and_a_commit_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.db");
        let mut writer = Connection::open(&path).unwrap();
        writer
            .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (n)")
            .unwrap();
        let mut watcher = Watcher::new(Connection::open(&path).unwrap()).unwrap();

        let tx = writer.transaction().unwrap();
        tx.execute("INSERT INTO t VALUES (1)", []).unwrap();
        tx.rollback().unwrap();
        assert!(!watcher.has_changed().unwrap());

        let tx = writer.transaction().unwrap();
        tx.execute("INSERT INTO t VALUES (1)", []).unwrap();
        tx.commit().unwrap();
        assert!(watcher.has_changed().unwrap());
        assert!(!watcher.has_changed().unwrap());
    }
}
