use std::fmt;
use std::time::Duration;

/// Why an execution is interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interruption {
    /// Somebody has cancelled the task.
    Cancelled,
    /// The engine stops, and has waited for as long as it may.
    Stop,
    /// It has lasted for as long as it may.
    Timeout(Duration),
}

impl Interruption {
    /// The word that stands for it in the report of an error.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Stop => "stop",
            Self::Timeout(_) => "timeout",
        }
    }
}

impl fmt::Display for Interruption {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("cancelled"),
            Self::Stop => f.write_str("the engine stops"),
            Self::Timeout(limit) => write!(f, "timed out after {limit:?}"),
        }
    }
}
