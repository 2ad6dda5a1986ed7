//! What the signals of the system do.

use std::time::{Duration, Instant};
use std::{fs, io, process, thread};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::signal_name;
use step49_durability::EngineHandle;
use tracing::{error, info};

/// A wrapper, such as `timeout` or `npm`, passes on a signal that its whole group has had: what
/// comes so soon after the first one is the same request.
const SAME_REQUEST: Duration = Duration::from_secs(1);

/// From now on the first SIGINT (Ctrl+C), SIGTERM or SIGHUP stops this engine properly. One that
/// comes a second later or more ends the process at once, with the status that shells give for
/// it: 130 for SIGINT.
pub fn stop_on_signals(engine: EngineHandle) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    if !is_ignored(SIGHUP) {
        signals.add_signal(SIGHUP)?;
    }
    // A thread of its own: it must answer even if tasks block all those of the runtime.
    thread::spawn(move || {
        let mut first = None;
        for number in signals.forever() {
            let signal = signal_name(number).unwrap_or("signal");
            if first.is_none() {
                engine.stop();
                info!(signal, "stop requested, waiting for the running tasks");
            }
            if first.get_or_insert_with(Instant::now).elapsed() >= SAME_REQUEST {
                error!(signal, "stopped at once, tasks may be left running");
                process::exit(128 + number);
            }
        }
    });
    Ok(())
}

/// `nohup` wants it so.
fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}
