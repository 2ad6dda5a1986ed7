use std::any::{Any, type_name};
use std::backtrace::{Backtrace, BacktraceStatus};
use std::error::Error;
use std::{iter, mem};

use serde_json::{Value, json};

/// Why an execution failed: any error becomes one with `?`, and so does a text.
///
/// It is not an error itself, so that all others can become one.
#[derive(Debug, Clone)]
pub struct TaskError {
    report: Value,
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for TaskError {
    fn from(error: E) -> Self {
        // At once, in the execution of the task: if this panics, it is the task that fails.
        let error = error.into();
        let causes: Vec<_> = iter::successors(error.source(), |&cause| cause.source())
            .map(ToString::to_string)
            .collect();
        let mut report = json!({
            "type": type_name::<E>(),
            "message": error.to_string(),
            "causes": causes,
        });
        let backtrace = Backtrace::capture();
        if backtrace.status() == BacktraceStatus::Captured {
            report["backtrace"] = backtrace.to_string().lines().collect();
        }
        Self { report }
    }
}

impl TaskError {
    pub(crate) fn of_panic(payload: Box<dyn Any + Send>) -> Self {
        let message = if let Some(message) = payload.downcast_ref::<&str>() {
            (*message).to_owned()
        } else if let Some(message) = payload.downcast_ref::<String>() {
            message.clone()
        } else {
            // Dropping it may panic again: nobody knows what it is.
            mem::forget(payload);
            "a panic without a message".to_owned()
        };
        Self {
            report: json!({ "type": "panic", "message": message, "causes": [] }),
        }
    }

    /// What the error says.
    pub fn message(&self) -> &str {
        self.report["message"].as_str().unwrap_or_default()
    }

    /// All that is kept with the execution: an object with `type`, `message`, `causes`, and
    /// perhaps `backtrace`.
    pub fn report(&self) -> &Value {
        &self.report
    }
}
