//! Where an error comes from.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{self, Location};
use std::path::Path;
use std::sync::{Arc, Mutex, Once, PoisonError};

use backtrace::BacktraceFrame;
use serde_json::{Value, json};
use tokio::task::futures::TaskLocalFuture;
use tokio::task_local;

/// Says in this report where an error is made, and what led there, if `RUST_BACKTRACE` asks for it.
pub(crate) fn describe(report: &mut Value, place: &Location) {
    report["place"] = place.to_string().into();
    if Backtrace::capture().status() == BacktraceStatus::Captured {
        report["backtrace"] = frames().into();
    }
}

/// The frames of the task, the last call first: not those of the engine, which made the error and
/// which called the task, nor what is between the two in the standard library.
fn frames() -> Vec<String> {
    let here = Path::new(file!()).parent();
    let ours = |file: &Path| {
        let both = file.parent().zip(here);
        both.is_some_and(|(folder, here)| folder.ends_with(here))
    };
    let backtrace = backtrace::Backtrace::new();
    let symbols = backtrace.frames().iter().flat_map(BacktraceFrame::symbols);
    let known = symbols.filter_map(|symbol| Some((symbol.filename()?, symbol)));
    let origin = |file: &Path| file.ends_with("trace.rs") || file.ends_with("task_error.rs");
    known
        .skip_while(|(file, _)| ours(file) && origin(file) || file.starts_with("/rustc"))
        .take_while(|(file, _)| !ours(file))
        .filter_map(|(file, symbol)| {
            let (name, line) = (symbol.name()?, symbol.lineno()?);
            // The folder is that of the machine where this was compiled.
            Some(format!(
                "{name:#} at {}:{line}",
                file.file_name()?.display()
            ))
        })
        .collect()
}

task_local! {
    static PANIC: PanicPlace;
}

/// Where an execution has panicked.
#[derive(Debug, Clone, Default)]
pub(crate) struct PanicPlace(Arc<Mutex<Value>>);

impl PanicPlace {
    /// Runs this code, and notes where it panics.
    pub fn note<F: Future>(&self, code: F) -> TaskLocalFuture<Self, F> {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            let before = panic::take_hook();
            panic::set_hook(Box::new(move |panic| {
                // Elsewhere than in a task, it is none of our business.
                if let (Ok(place), Some(location)) = (PANIC.try_with(Self::clone), panic.location())
                {
                    let mut report = json!({});
                    describe(&mut report, location);
                    *place.0.lock().unwrap_or_else(PoisonError::into_inner) = report;
                }
                before(panic);
            }));
        });
        PANIC.scope(self.clone(), code)
    }

    /// What was noted in the execution that calls this.
    pub fn current() -> Value {
        PANIC.try_with(Self::take).unwrap_or_default()
    }

    /// What was noted: an object, if the code has panicked.
    pub fn take(&self) -> Value {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
