//! A task that waits.

use std::time::Duration;

use step07_restart::Handler;
use tracing::info;

/// Does nothing but wait, as a task does that calls a remote service.
pub fn waiting_task(seconds: f64) -> Handler {
    Handler::new(move |context| async move {
        info!(task = context.task.id, "task is waiting");
        let time = Duration::try_from_secs_f64(seconds);
        tokio::time::sleep(time.unwrap_or_default()).await;
    })
}
