use std::any::{Any, type_name};
use std::backtrace::{Backtrace, BacktraceStatus};
use std::error::Error;
use std::time::Duration;
use std::{iter, mem};

use serde_json::{Value, json};

/// Why an execution failed: any error becomes one with `?`, and so does a text.
///
/// It is not an error itself, so that all others can become one.
#[derive(Debug, Clone)]
pub struct TaskError {
    report: Value,
    permanent: bool,
    delay: Option<Duration>,
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
            report["backtrace"] = backtrace.to_string().into();
        }
        Self {
            report,
            permanent: false,
            delay: None,
        }
    }
}

impl TaskError {
    /// Makes an error that would happen again: the task isn't retried.
    pub fn permanent(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let mut error = Self::from(error);
        error.permanent = true;
        error
    }

    /// The same error, if the task is retried after this duration and no other.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.delay = Some(delay);
        self
    }

    /// The same error, with what helps to understand it, which is kept with it: a report of
    /// another program, the answer of a service.
    #[must_use]
    pub fn with_details(mut self, details: impl Into<Value>) -> Self {
        self.report["details"] = details.into();
        self
    }

    /// Whether the same would happen again.
    pub fn is_permanent(&self) -> bool {
        self.permanent
    }

    pub(crate) fn delay(&self) -> Option<Duration> {
        self.delay
    }

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
            permanent: false,
            delay: None,
        }
    }

    /// What the error says.
    pub fn message(&self) -> &str {
        self.report["message"].as_str().unwrap_or_default()
    }

    /// All that is kept with the execution: an object with `type`, `message`, `causes`, and
    /// perhaps `backtrace` and `details`.
    pub fn report(&self) -> &Value {
        &self.report
    }
}
