use std::pin::Pin;
use std::sync::Arc;

use crate::Task;

type BoxFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The code that a task runs; cheap to clone.
#[derive(Clone)]
pub struct Handler(Arc<dyn Fn(Task) -> BoxFuture + Send + Sync>);

impl Handler {
    /// Makes a handler of an asynchronous function.
    pub fn new<F, Fut>(code: F) -> Self
    where
        F: Fn(Task) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self(Arc::new(move |task| Box::pin(code(task))))
    }

    /// Runs the code for this task.
    pub async fn execute(&self, task: Task) {
        (self.0)(task).await;
    }
}
