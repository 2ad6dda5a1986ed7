use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::oneshot;

type Work = Box<dyn FnOnce(&mut Connection) + Send>;

/// Where work is handed to the thread that owns the connection. That thread may wait, for the
/// disk or for another program: those of the runtime don't, and go on with other things.
///
/// The thread ends, and the connection is closed, with the last clone, which waits for that.
#[derive(Debug, Clone)]
pub(super) struct Door {
    // Dropped before the thread, which it makes end.
    queue: Sender<Work>,
    _thread: Arc<DoorThread>,
}

#[derive(Debug)]
struct DoorThread(Option<JoinHandle<()>>);

impl Drop for DoorThread {
    fn drop(&mut self) {
        let elsewhere = |thread: &JoinHandle<()>| thread.thread().id() != thread::current().id();
        // A work may have held the last clone.
        if let Some(thread) = self.0.take().filter(elsewhere) {
            let _ = thread.join();
        }
    }
}

impl Door {
    pub fn new(mut connection: Connection) -> Self {
        let (queue, works) = mpsc::channel::<Work>();
        let thread = thread::spawn(move || works.iter().for_each(|work| work(&mut connection)));
        Self {
            queue,
            _thread: Arc::new(DoorThread(Some(thread))),
        }
    }

    /// Has this work done, after those that came before; a panic goes back to who asked for it.
    pub async fn pass<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> T + Send + 'static,
    ) -> T {
        let (sender, answer) = oneshot::channel();
        let work = move |connection: &mut Connection| {
            // What a work that panics had begun is rolled back while the stack unwinds.
            let done = panic::catch_unwind(AssertUnwindSafe(|| work(connection)));
            // Perhaps nobody waits for the answer any more.
            let _ = sender.send(done);
        };
        let _ = self.queue.send(Box::new(work));
        let done = answer.await.expect("the thread outlives the door");
        done.unwrap_or_else(|panic| panic::resume_unwind(panic))
    }
}
