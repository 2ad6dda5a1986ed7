//! How far an engine has come, on one line of the terminal.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use task_engine::{EngineHandle, Store};
use tokio::time::sleep;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

/// How often the bar moves.
const INTERVAL: Duration = Duration::from_millis(100);

pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A bar, if it is wanted, and if a terminal can show it.
    pub fn in_terminal(wanted: bool) -> Option<Self> {
        if !wanted || !io::stderr().is_terminal() {
            return None;
        }
        let style = ProgressStyle::with_template(
            "{elapsed_precise}  {wide_bar}  {human_pos} of {human_len} executions, {msg}",
        )
        .expect("a constant template, which a test reads");
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        Some(Self {
            bar: bar.with_style(style),
        })
    }

    /// From now on, what goes wrong is written above the bar; the rest, the bar tells.
    pub fn capture_log(&self) {
        tracing_subscriber::fmt()
            .with_target(false)
            .with_max_level(LevelFilter::WARN)
            .with_writer(AboveBar(self.bar.clone()))
            .init();
    }

    /// Moves the bar until its end.
    pub async fn follow(&self, store: &Store, engine: &EngineHandle, kinds: &[String]) {
        while !self.bar.is_finished() {
            // The number to come is for show: if it can't be read, the engine will say why.
            let due = store.count_due_tasks(kinds).await.unwrap_or_default();
            self.show(engine, due);
            sleep(INTERVAL).await;
        }
        self.show(engine, 0);
        self.bar.abandon();
    }

    fn show(&self, engine: &EngineHandle, due: u64) {
        let (ended, running) = (engine.ended_tasks(), engine.running_tasks().len());
        self.bar.set_length(ended + running as u64 + due);
        self.bar.set_position(ended);
        self.bar.set_message(format!("{running} running"));
    }

    /// Lets [`Progress::follow`] end.
    pub fn end(&self) {
        self.bar.abandon();
    }
}

/// Logs on the standard error.
pub fn log_to<W: for<'a> MakeWriter<'a> + Send + Sync + 'static>(writer: W) {
    tracing_subscriber::fmt()
        .with_target(false)
        .with_writer(writer)
        .init();
}

/// Writes on the standard error, above a bar that is drawn again below.
#[derive(Clone)]
struct AboveBar(ProgressBar);

impl Write for AboveBar {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for AboveBar {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
