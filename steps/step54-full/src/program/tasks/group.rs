//! A program and those that it launches.

use std::process::ExitStatus;
use std::time::Duration;
use std::{fs, io};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::Child;
use tokio::time::sleep;

/// How often one looks whether those that are asked to stop have done so.
const LOOK: Duration = Duration::from_millis(50);

/// A program and all that it launches, but for what leaves its group. Dropped before the program
/// has ended, it kills them all.
pub struct Group {
    leader: Child,
    asked: bool,
}

impl Group {
    /// The group that this program was launched in, as its first process.
    pub fn of(leader: Child) -> Self {
        let asked = false;
        Self { leader, asked }
    }

    /// Waits until the program ends by itself. What it leaves behind goes on.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.leader.wait().await
    }

    /// Asks the program, and what it has launched, to stop, and waits until nothing is left.
    pub async fn stop(&mut self) -> io::Result<ExitStatus> {
        // It may have ended in time, while nobody could look.
        if let Some(status) = self.leader.try_wait()? {
            return Ok(status);
        }
        self.asked = true;
        self.signal(Signal::SIGTERM);
        // One that is suspended hears of it once it goes on.
        self.signal(Signal::SIGCONT);
        while self.is_alive()? {
            sleep(LOOK).await;
        }
        // One that was born while we were looking elsewhere may have been missed.
        self.signal(Signal::SIGKILL);
        self.leader.wait().await
    }

    /// Whether it was asked to stop: then its success isn't one.
    pub fn was_asked(&self) -> bool {
        self.asked
    }

    /// The number of its first process, as long as this one isn't reaped, dead or alive. From then
    /// on, the system may give it to somebody else.
    fn number(&self) -> Option<i32> {
        self.leader.id().and_then(|id| id.try_into().ok())
    }

    /// Some of them may belong to another user, or all may be gone: nothing can be done about it.
    fn signal(&self, signal: Signal) {
        if let Some(number) = self.number() {
            let _ = killpg(Pid::from_raw(number), signal);
        }
    }

    /// Whether one of them lives. A zombie doesn't: its parent has yet to ask how it ended.
    fn is_alive(&self) -> io::Result<bool> {
        let number = self.number().map(|number| number.to_string());
        for process in fs::read_dir("/proc")? {
            // It may be gone already, or be no process.
            let stat = fs::read(process?.path().join("stat")).unwrap_or_default();
            let stat = String::from_utf8_lossy(&stat);
            // The name, in parentheses, may hold anything.
            let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
            let mut fields = fields.split_whitespace();
            let (state, _parent, group) = (fields.next(), fields.next(), fields.next());
            if group.is_some() && group == number.as_deref() && state != Some("Z") {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
    }
}
