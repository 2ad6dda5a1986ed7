use std::{process, thread};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::signal_name;
use tracing::{error, info};

use crate::{EngineHandle, Error};

/// From now on, SIGINT (Ctrl+C) or SIGTERM stops this engine properly, and the second one ends
/// the process at once, with the status that shells give for this signal: 130 or 143.
///
/// # Errors
/// [`Error::Signals`] if the system refuses.
pub fn stop_on_signals(engine: EngineHandle) -> Result<(), Error> {
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(Error::Signals)?;
    // A thread of its own: it must answer even if tasks block all those of the runtime.
    thread::spawn(move || {
        for number in signals.forever() {
            let signal = signal_name(number).unwrap_or("signal");
            if engine.is_running() {
                info!(signal, "stop requested, waiting for the running tasks");
                engine.stop();
            } else {
                let tasks = engine.running_tasks();
                error!(
                    signal,
                    ?tasks,
                    "stopped at once, these tasks are left running"
                );
                process::exit(128 + number);
            }
        }
    });
    Ok(())
}
