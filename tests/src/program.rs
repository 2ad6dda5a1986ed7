use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::Event;

/// A check that waits longer than this for something has failed.
pub(crate) const DEADLINE: Duration = Duration::from_mins(2);

/// A program that runs; it is killed when this value is dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
    events: Vec<Event>,
}

/// What a program has left once it has ended.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// All that it wrote, on both outputs, line by line.
    pub lines: Vec<String>,
}

impl Program {
    /// Starts it.
    ///
    /// # Errors
    /// If the system can't.
    pub fn start(mut command: Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("can't start {command:?}"))?;
        let (sender, lines) = mpsc::channel();
        let outputs: [Option<Box<dyn Read + Send>>; 2] = [
            child.stdout.take().map(|output| Box::new(output) as _),
            child.stderr.take().map(|output| Box::new(output) as _),
        ];
        for output in outputs.into_iter().flatten() {
            let sender = sender.clone();
            thread::spawn(move || {
                // A program may write what isn't text, and the rest matters all the same.
                for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                    let line = String::from_utf8_lossy(&line).into_owned();
                    if sender.send(line).is_err() {
                        break;
                    }
                }
            });
        }
        Ok(Self {
            child,
            lines,
            seen: Vec::new(),
            events: Vec::new(),
        })
    }

    /// Waits until the program has logged this message so many times in all.
    ///
    /// # Errors
    /// If it ends before, or if the deadline passes.
    pub fn wait_for(&mut self, message: &str, times: usize) -> Result<()> {
        let deadline = Instant::now() + DEADLINE;
        while self.count(message) < times {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.note(line),
                Err(reason) => {
                    let seen = self.seen.join("\n");
                    let reason = match reason {
                        RecvTimeoutError::Timeout => "did not come in time",
                        RecvTimeoutError::Disconnected => "did not come before the program ended",
                    };
                    bail!("\"{message}\", {times} times: it {reason}; the log was:\n{seen}");
                }
            }
        }
        Ok(())
    }

    /// Gives the program some time to end by itself.
    ///
    /// # Errors
    /// If it does.
    pub fn stays_alive(&mut self, time: Duration) -> Result<()> {
        let deadline = Instant::now() + time;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.note(line),
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => bail!("the program has ended by itself"),
            }
        }
    }

    fn note(&mut self, line: String) {
        self.events.extend(Event::parse(&line));
        self.seen.push(line);
    }

    fn count(&self, message: &str) -> usize {
        let events = self.events.iter();
        events.filter(|event| event.message == message).count()
    }

    /// The events logged so far, as far as [`Program::wait_for`] has read them.
    pub fn events(&self) -> Vec<Event> {
        self.events.clone()
    }

    /// The number of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// If the program is no more.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.child.id()).context("a process number that fits")?;
        kill(Pid::from_raw(pid), signal).with_context(|| format!("can't send {signal}"))
    }

    /// Sends a signal again and again, until the program ends.
    ///
    /// # Errors
    /// If it doesn't end before the deadline.
    pub fn signal_until_the_end(&mut self, signal: Signal) -> Result<()> {
        let deadline = Instant::now() + DEADLINE;
        while !self.has_ended()? {
            ensure!(Instant::now() < deadline, "it does not end");
            self.signal(signal)?;
        }
        Ok(())
    }

    /// Whether the program has ended by itself.
    ///
    /// # Errors
    /// If the system can't tell.
    pub fn has_ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Waits for the end of the program.
    ///
    /// # Errors
    /// If it doesn't end before the deadline.
    pub fn finish(mut self) -> Result<Finished> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.note(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    bail!("it does not end; the log was:\n{}", self.seen.join("\n"))
                }
            }
        }
        Ok(Finished {
            status: self.child.wait()?,
            lines: std::mem::take(&mut self.seen),
        })
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // A program that has ended already can't be killed, and needn't be.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Finished {
    /// The events of the log.
    pub fn events(&self) -> Vec<Event> {
        self.lines
            .iter()
            .filter_map(|line| Event::parse(line))
            .collect()
    }

    /// All the lines, as one text.
    pub fn text(&self) -> String {
        self.lines.join("\n")
    }

    /// Fails unless the program has succeeded.
    ///
    /// # Errors
    /// With all that it wrote.
    pub fn success(self) -> Result<Self> {
        self.exited(0)
    }

    /// Fails unless the program has ended with this status.
    ///
    /// # Errors
    /// With all that it wrote.
    pub fn exited(self, code: i32) -> Result<Self> {
        if self.status.code() != Some(code) {
            let signal = self.status.signal();
            bail!(
                "exit status {code} was expected, not {:?} (signal {signal:?}):\n{}",
                self.status.code(),
                self.text()
            );
        }
        Ok(self)
    }
}

/// The same command, started by a shell: its program takes the place of `"$@"` in the script.
pub(crate) fn in_shell(script: &str, command: &Command) -> Command {
    wrapped(&["bash", "-c", script, "bash"], command)
}

/// The same command, in a process that ignores this signal from its start.
pub(crate) fn ignoring(signal: Signal, command: &Command) -> Command {
    let option = format!("--ignore-signal={}", signal.as_str());
    wrapped(&["env", &option], command)
}

/// The same command, with the same variables in the same folder, behind these words.
fn wrapped(words: &[&str], command: &Command) -> Command {
    let mut wrapped = Command::new(words[0]);
    wrapped
        .args(&words[1..])
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => wrapped.env(name, value),
            None => wrapped.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        wrapped.current_dir(folder);
    }
    wrapped
}
