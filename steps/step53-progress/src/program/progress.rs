//! How far an engine has come, on the last line of the terminal.

use std::io::{self, Write};
use std::sync::OnceLock;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use step53_progress::{EngineHandle, Registry, Store};
use tokio::time::sleep;

/// How often the bar moves.
const INTERVAL: Duration = Duration::from_millis(100);

/// There is one standard error, so there is one bar.
static BAR: OnceLock<ProgressBar> = OnceLock::new();

/// Shows how many of the tasks that are due the engine has executed, for ever; nothing at all if
/// there is no terminal.
pub async fn follow(engine: EngineHandle, store: Store, registry: Registry) {
    let bar = BAR.get_or_init(|| ProgressBar::new(0).with_style(style()));
    let mut all = 0;
    while !bar.is_hidden() {
        let executed = engine.executed();
        // Counted again only once they are executed: there may be many.
        if executed >= all {
            let due = store.reader().count_due(&registry, store.now()).await;
            // If the database can't be read, the engine will say why.
            all = executed + due.unwrap_or_default();
        }
        bar.set_length(all);
        bar.set_position(executed);
        sleep(INTERVAL).await;
    }
    std::future::pending::<()>().await;
}

/// Leaves the bar where it is.
pub fn end(engine: &EngineHandle) {
    if let Some(bar) = BAR.get() {
        bar.set_length(engine.executed());
        bar.set_position(engine.executed());
        bar.abandon();
    }
}

fn style() -> ProgressStyle {
    let template = "{elapsed_precise}  {wide_bar}  {human_pos} of {human_len} executed";
    ProgressStyle::with_template(template).expect("a constant, which a test shows")
}

/// The standard error, above the bar if there is one.
pub struct AboveBar;

impl Write for AboveBar {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let write = || io::stderr().write(bytes);
        BAR.get().map_or_else(write, |bar| bar.suspend(write))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
