//! A task that waits.

use std::time::Duration;

use step08_kinds::Handler;
use tracing::info;

/// Does nothing but wait, as a task does that calls a remote service.
pub fn handler() -> Handler {
    Handler::new(|context| async move {
        info!(task = context.task.id, "task is waiting");
        let seconds = context.task.parameters["waiting_time"].as_f64();
        let time = Duration::try_from_secs_f64(seconds.unwrap_or_default());
        tokio::time::sleep(time.unwrap_or_default()).await;
    })
}
