//! A task that waits.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use step48_inotify::{Context, TaskError, TaskHandler};
use tracing::info;

/// Does nothing but wait, as a task does that calls a remote service, until it is asked to stop;
/// unless it is deaf, or keeps its thread busy.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaitingTask {
    waiting_time: Seconds,
    #[serde(default)]
    deaf: bool,
    #[serde(default)]
    busy: bool,
}

impl TaskHandler for WaitingTask {
    const KIND: &'static str = "waiting";
    type Output = Value;

    async fn execute(self, context: &Context) -> Result<Value, TaskError> {
        info!(task = context.task.id, "task is waiting");
        if self.busy {
            std::thread::sleep(self.waiting_time.0);
        }
        tokio::select! {
            () = tokio::time::sleep(self.waiting_time.0) => Ok(json!({ "waited": self.waiting_time })),
            () = context.cancelled(), if !self.deaf => Err("it didn't wait to the end".into()),
        }
    }
}

/// A duration, written as a number of seconds: `0.5`.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
struct Seconds(Duration);

impl TryFrom<f64> for Seconds {
    type Error = std::time::TryFromFloatSecsError;

    fn try_from(seconds: f64) -> Result<Self, Self::Error> {
        Duration::try_from_secs_f64(seconds).map(Self)
    }
}

impl From<Seconds> for f64 {
    fn from(seconds: Seconds) -> Self {
        seconds.0.as_secs_f64()
    }
}
