//! An engine in a process of its own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{self, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use task_engine::Store;

use crate::load;

/// It is killed when this value is dropped.
pub struct Child {
    process: process::Child,
    /// When it has started a task.
    starts: Receiver<Instant>,
}

impl Child {
    pub fn start(database: &Path) -> Result<Self> {
        let mut process = Command::new(env!("CARGO_BIN_EXE_task-engine"))
            .arg("--database")
            .arg(database)
            .args(["start", "--instance", "child"])
            .stderr(Stdio::piped())
            .spawn()?;
        let log = process.stderr.take().context("a log")?;
        let (sender, starts) = mpsc::channel();
        let (ready, is_ready) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(log).lines().map_while(Result::ok) {
                let now = Instant::now();
                // Nobody may be waiting for that.
                if line.contains("engine started") {
                    let _ = ready.send(());
                } else if line.contains("task started") {
                    let _ = sender.send(now);
                }
            }
        });
        is_ready.recv().context("the engine doesn't start")?;
        // Its workers fall asleep.
        thread::sleep(Duration::from_millis(100));
        Ok(Self { process, starts })
    }

    /// From the creation of a task by this process to its start.
    pub async fn latency(&mut self, store: &Store) -> Result<Duration> {
        store.create(load::waiting_task()).await?;
        let created = Instant::now();
        let started = self.starts.recv().context("the engine has ended")?;
        Ok(started.saturating_duration_since(created))
    }

    /// The most memory that it has used so far, in megabytes, as Linux says.
    pub fn peak_memory(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let mut lines = status.lines();
        let peak = lines.find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = peak.and_then(|peak| peak.trim().split(' ').next());
        let kibibytes: u32 = kibibytes.context("VmHWM")?.parse()?;
        Ok(f64::from(kibibytes) * 1024.0 / 1e6)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // A process that has ended already can't be killed, and needn't be.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
