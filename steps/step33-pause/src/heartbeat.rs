use std::io;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::error;

use crate::Store;

/// Whatever the lease is said to be, it is one that can be kept, and ends.
pub(crate) const SHORTEST: Duration = Duration::from_millis(100);
pub(crate) const LONGEST: Duration = Duration::from_hours(24 * 365);

/// How often a thread of the engine is made to look at the clock.
const STIR: Duration = Duration::from_millis(100);

/// Says three times a lease that an engine is alive, until it is dropped.
///
/// It has a thread and a runtime of its own: tasks that block all the threads of the other one don't
/// stop it.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    stop: Option<oneshot::Sender<()>>,
    lost: oneshot::Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Heartbeat {
    /// For an engine whose number was asked for at this time.
    pub fn start(
        store: Store,
        engine: i64,
        lease: Duration,
        asked_at: Instant,
    ) -> io::Result<Self> {
        let others = Handle::current();
        let runtime = Builder::new_current_thread().enable_time().build()?;
        let interval = interval(lease);
        let first = store.clock().after(interval);
        let (stop, stopped) = oneshot::channel();
        let (over, lost) = oneshot::channel();
        // The others count from the beat, which has its turn later than it was asked for.
        let lease = lease * 9 / 10;
        let thread = thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = beat(&store, engine, first, interval, lease, asked_at + lease) => {
                        let _ = over.send(());
                    }
                    () = stir(&others) => (),
                    _ = stopped => (),
                }
            });
        });
        Ok(Self {
            stop: Some(stop),
            lost,
            thread: Some(thread),
        })
    }

    /// Waits until the engine is dead for the others, or is about to be.
    pub async fn lost(&mut self) {
        let _ = (&mut self.lost).await;
    }
}

impl Drop for Heartbeat {
    /// Doesn't wait for a beat that waits for the database.
    fn drop(&mut self) {
        self.stop.take();
        // It holds the store, which is closed with its last clone.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// How often an engine says that it is alive: two beats may be late, or lost.
pub(crate) fn interval(lease: Duration) -> Duration {
    lease / 3
}

/// Ends when the lease does, by a clock that nobody sets.
async fn beat(
    store: &Store,
    engine: i64,
    mut next: Timestamp,
    interval: Duration,
    lease: Duration,
    mut end: Instant,
) {
    while Instant::now() < end {
        // The clock may have been set back meanwhile.
        next = next.min(store.clock().after(interval));
        store.clock().sleep_until(next).await;
        // Counted from here: a slow database delays this beat, and not those that follow.
        next = store.clock().after(interval);
        let asked_at = Instant::now();
        match timeout_at(end, store.beat(engine)).await {
            Ok(Ok(true)) => end = asked_at + lease,
            Ok(Err(error)) if asked_at < end => {
                error!(engine, error = error.with_causes(), "heartbeat failed");
            }
            _ => return,
        }
    }
}

/// The thread that the clock wakes executes the task whose time has come, and wakes no other: if that
/// task blocks, nobody looks at the clock any more, even if all the other threads sleep.
async fn stir(runtime: &Handle) {
    loop {
        sleep(STIR).await;
        let _ = runtime.spawn(async {}).await;
    }
}
