use std::io::{self, PipeReader, PipeWriter, pipe};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use tokio::sync::watch;

/// What is told comes before it can be seen: how soon one looks again, then after twice as long.
const FIRST: Duration = Duration::from_micros(100);

/// However much is written, nobody looks more often, but for the first looks after a silence.
const OFTEN: Duration = Duration::from_millis(1);

/// However little, nobody looks less often: not everything may be told.
const SELDOM: Duration = Duration::from_secs(1);

/// Hears from the kernel when something is written in the log of a database, by whatever process,
/// and says when to look. It has a thread, until it is dropped: a timer of the runtime counts
/// milliseconds, which would be the better part of the delay.
#[derive(Debug)]
pub(crate) struct Listener {
    looks: watch::Receiver<Option<Errno>>,
    stop: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Hears what happens from now on to the log, and whether the database goes away.
    ///
    /// # Errors
    /// If the kernel doesn't tell: there are too many listeners, watches or threads, or a file is missing.
    pub fn start([database, log]: [PathBuf; 2], interval: Duration) -> io::Result<Self> {
        let gone = AddWatchFlags::IN_ATTRIB | AddWatchFlags::IN_MOVE_SELF;
        let kernel = Kernel {
            inotify: Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?,
            files: [(database, gone), (log, gone | AddWatchFlags::IN_MODIFY)],
        };
        kernel.watch()?;
        let (stopped, stop) = pipe()?;
        let (sender, looks) = watch::channel(None);
        let seldom = interval.max(SELDOM);
        let thread = thread::Builder::new().spawn(move || {
            let ended = kernel.listen(&stopped, seldom, || {
                sender.send_replace(None);
            });
            sender.send_replace(ended.err());
        })?;
        Ok(Self {
            looks,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Waits until it is time to look. Dropped, this future has missed nothing.
    ///
    /// # Errors
    /// If the kernel doesn't tell any more: then this is over.
    pub async fn told(&mut self) -> io::Result<()> {
        self.looks.changed().await.map_err(io::Error::other)?;
        self.looks.borrow().map_or(Ok(()), |deaf| Err(deaf.into()))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.take();
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

struct Kernel {
    inotify: Inotify,
    files: [(PathBuf, AddWatchFlags); 2],
}

impl Kernel {
    /// Watches the files that have these names now; those that it watches already, as before.
    fn watch(&self) -> nix::Result<()> {
        for (path, what) in &self.files {
            self.inotify.add_watch(path, *what)?;
        }
        Ok(())
    }

    /// Has somebody look, until it is stopped.
    fn listen(&self, stopped: &PipeReader, seldom: Duration, look: impl Fn()) -> nix::Result<()> {
        let mut gap = FIRST;
        loop {
            look();
            let rest = gap.min(OFTEN);
            thread::sleep(rest);
            let mut ready = [self.inotify.as_fd(), stopped.as_fd()]
                .map(|file| PollFd::new(file, PollFlags::POLLIN));
            match ppoll(&mut ready, Some(gap.saturating_sub(rest).into()), None) {
                Err(Errno::EINTR) => continue,
                polled => polled?,
            };
            let [told, stopped] = ready.map(|file| file.any() == Some(true));
            if stopped {
                return Ok(());
            }
            let longer = gap * 2;
            gap = match told {
                // The writes follow each other closely: those of this engine, perhaps.
                true if gap <= 5 * OFTEN => longer.min(OFTEN),
                true => FIRST,
                false => longer.min(seldom),
            };
            if told {
                let events = self.inotify.read_events()?;
                // A file of this name may be another one, or missing.
                if events
                    .iter()
                    .any(|event| event.mask != AddWatchFlags::IN_MODIFY)
                {
                    self.watch()?;
                }
            }
        }
    }
}
