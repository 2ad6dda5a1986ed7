use std::any::{Any, type_name};
use std::error::Error;
use std::panic::Location;
use std::time::Duration;
use std::{iter, mem};

use serde_json::{Value, json};

use crate::interruption::Interruption;
use crate::trace;

/// Why an execution failed: any error becomes one with `?`, and so does a text.
///
/// It is not an error itself, so that all others can become one.
#[derive(Debug, Clone)]
pub struct TaskError {
    report: Value,
    permanent: bool,
    delay: Option<Duration>,
    maker_known: bool,
    interruption: Option<Interruption>,
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for TaskError {
    #[track_caller]
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
        trace::describe(&mut report, Location::caller());
        Self {
            report,
            permanent: false,
            delay: None,
            maker_known: false,
            interruption: None,
        }
    }
}

impl TaskError {
    /// Makes an error that would happen again: the task isn't retried.
    #[track_caller]
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

    /// Whether the same would happen again.
    pub fn is_permanent(&self) -> bool {
        self.permanent
    }

    pub(crate) fn interruption(&self) -> Option<Interruption> {
        self.interruption
    }

    pub(crate) fn delay(&self) -> Option<Duration> {
        self.delay
    }

    /// The report says where the panic comes from.
    pub(crate) fn of_panic(payload: Box<dyn Any + Send>, mut report: Value) -> Self {
        let message = if let Some(message) = payload.downcast_ref::<&str>() {
            (*message).to_owned()
        } else if let Some(message) = payload.downcast_ref::<String>() {
            message.clone()
        } else {
            // Dropping it may panic again: nobody knows what it is.
            mem::forget(payload);
            "a panic without a message".to_owned()
        };
        report["type"] = "panic".into();
        report["message"] = message.into();
        report["causes"] = json!([]);
        Self {
            report,
            permanent: false,
            delay: None,
            maker_known: false,
            interruption: None,
        }
    }

    /// It has no place in the code, and looking for one would take long.
    pub(crate) fn of_crash(message: String) -> Self {
        let mut error = Self::of_panic(Box::new(message), json!({}));
        error.report["type"] = "crash".into();
        error
    }

    /// What this error is, of a task that was asked to stop.
    pub(crate) fn interrupted(mut self, interruption: Interruption) -> Self {
        self.interruption = Some(interruption);
        self.report["type"] = interruption.as_str().into();
        self.report["message"] = format!("{interruption}: {}", self.message()).into();
        self
    }

    /// Names the hook that has made it, unless it comes from further inside.
    pub(crate) fn made_by(mut self, hook: Option<&str>) -> Self {
        if let Some(hook) = hook.filter(|_| !self.maker_known) {
            self.report["message"] = format!("hook {hook:?}: {}", self.message()).into();
            self.report["hook"] = hook.into();
        }
        self.maker_known = true;
        self
    }

    /// What the error says.
    pub fn message(&self) -> &str {
        self.report["message"].as_str().unwrap_or_default()
    }

    /// All that is kept with the execution: an object with `type`, `message`, `causes`, `place`,
    /// and perhaps `backtrace`, the frames of the task.
    pub fn report(&self) -> &Value {
        &self.report
    }
}
