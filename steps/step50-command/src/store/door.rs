use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::group::{Done, Groups, Member};
use crate::Error;

/// What is handed to the thread.
pub(super) enum Work {
    /// Something to do with the connection, in no transaction of ours.
    Apart(Box<dyn FnOnce(&mut Connection) + Send>),
    /// To be committed with others.
    Shared(Member),
    /// To be committed alone.
    Alone(Member),
}

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
        let thread = thread::spawn(move || {
            let mut groups = Groups::default();
            let mut held = None;
            while let Some(work) = held.take().or_else(|| works.recv().ok()) {
                match work {
                    Work::Apart(work) => work(&mut connection),
                    Work::Alone(member) => groups.commit(&mut connection, member, || None),
                    Work::Shared(first) => groups.commit(&mut connection, first, || {
                        // Nobody is waited for: while this group is committed, the next one comes.
                        match works.try_recv().ok()? {
                            Work::Shared(member) => Some(member),
                            other => {
                                held = Some(other);
                                None
                            }
                        }
                    }),
                }
            }
        });
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
        let _ = self.queue.send(Work::Apart(Box::new(work)));
        let done = answer.await.expect("the thread outlives the door");
        done.unwrap_or_else(|panic| panic::resume_unwind(panic))
    }

    /// Has this work done in a transaction, shared or alone, after those that came before; and, once
    /// it is committed, what follows, even if nobody waits for it any more.
    pub async fn commit<T: Send + 'static, U: Send + 'static, E: From<Error> + Send + 'static>(
        &self,
        how: fn(Member) -> Work,
        harmless: Option<fn(&E) -> bool>,
        work: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
        then: impl FnOnce(T) -> U + Send + 'static,
    ) -> Result<U, E> {
        let (sender, answer) = oneshot::channel();
        let work = move |begun: Result<&Connection, Error>| {
            let done = panic::catch_unwind(AssertUnwindSafe(|| work(begun?)));
            Done {
                kept: matches!(done, Ok(Ok(_))),
                harmless: matches!(&done, Ok(Err(error)) if harmless.is_some_and(|is| is(error))),
                answer: Box::new(move |committed| {
                    let _ = sender.send(match done {
                        Ok(value) => committed.map(|()| Ok(value.map(then))),
                        Err(panic) => Ok(Err(panic)),
                    });
                }),
            }
        };
        let (work, repeatable) = (Box::new(work), harmless.is_some());
        let _ = self.queue.send(how(Member { work, repeatable }));
        let done = answer.await.expect("the thread outlives the door")?;
        done.unwrap_or_else(|panic| panic::resume_unwind(panic))
    }
}
