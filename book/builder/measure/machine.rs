//! The machine that measures.

use std::fmt;
use std::io::Write as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::files::read;

/// More processes at work than this, on average, and figures would be theirs too.
const QUIET: f64 = 0.3;
const SYNCS: usize = 101;

/// What figures depend on; it has no name.
#[derive(Serialize, Deserialize)]
pub struct Machine {
    date: String,
    cores: usize,
    processor: String,
    kernel: String,
    /// What the disk takes to keep a page, which a committed transaction waits for; a median.
    sync_ms: f64,
}

impl Machine {
    /// This one, with the disk of `folder`.
    pub fn look(folder: &Path) -> Result<Self> {
        let processors = read(Path::new("/proc/cpuinfo"))?;
        let mut fields = processors.lines().filter_map(|line| line.split_once(':'));
        let model = fields.find(|(name, _)| name.trim() == "model name");
        let kernel = read(Path::new("/proc/sys/kernel/osrelease"))?;
        let version = kernel.split('-').next().unwrap_or_default().trim();
        Ok(Self {
            date: Timestamp::now().strftime("%d/%m/%Y").to_string(),
            cores: thread::available_parallelism()?.get(),
            processor: model
                .map_or("inconnu", |(_, model)| model.trim())
                .to_owned(),
            kernel: format!("Linux {version}"),
            sync_ms: sync(folder)?.as_secs_f64() * 1000.0,
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self {
            date,
            cores,
            processor,
            kernel,
            sync_ms,
        } = self;
        let sync = format!("{sync_ms:.2}").replace('.', ",");
        write!(
            f,
            "le {date}, {cores}\u{a0}cœurs ({processor}), {kernel}, \
             et un disque qui garde une page en {sync}\u{a0}ms"
        )
    }
}

/// Fails if other programs are at work.
pub fn ensure_quiet() -> Result<()> {
    let loads = read(Path::new("/proc/loadavg"))?;
    let load = loads.split(' ').next().unwrap_or_default();
    let busy = load.parse::<f64>().context("/proc/loadavg")? >= QUIET;
    ensure!(
        !busy,
        "other programs are at work (load {load}): measure on a quiet machine, under {QUIET}"
    );
    Ok(())
}

fn sync(folder: &Path) -> Result<Duration> {
    let mut file = tempfile::tempfile_in(folder)?;
    let mut times = Vec::new();
    for _ in 0..SYNCS {
        let start = Instant::now();
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    Ok(times[SYNCS / 2])
}
