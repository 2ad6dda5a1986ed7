use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use crate::Context;

type BoxFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The code that a task runs; cheap to clone.
#[derive(Clone)]
pub struct Handler {
    code: Arc<dyn Fn(Context) -> BoxFuture + Send + Sync>,
}

impl Handler {
    /// Makes a handler of an asynchronous function.
    pub fn new<F, Fut>(code: F) -> Self
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self {
            code: Arc::new(move |context| Box::pin(code(context))),
        }
    }

    /// Runs the code for this task.
    pub async fn execute(&self, context: Context) {
        (self.code)(context).await;
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Handler").finish_non_exhaustive()
    }
}
