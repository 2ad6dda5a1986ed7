use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::Sandbox;

pub fn demo_tells_its_story(sandbox: &Sandbox) -> Result<()> {
    let deadline = Duration::from_mins(1);
    for _ in 0..2 {
        let started = Instant::now();
        let text = sandbox.run(&["demo"])?.success()?.text();
        ensure!(started.elapsed() < deadline, "it took more than a minute");
        for word in ["succeeded", "failed", "retried", "task-engine"] {
            ensure!(text.contains(word), "no word of {word} in:\n{text}");
        }
        ensure!(!text.contains("panicked at"), "it panicked:\n{text}");
    }
    // Its database is another one, and is gone.
    let left: Vec<_> = std::fs::read_dir(sandbox.folder())?.collect();
    ensure!(left.is_empty(), "it has left {left:?}");
    Ok(())
}
