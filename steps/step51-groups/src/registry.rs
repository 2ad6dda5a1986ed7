use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::context::{self, States};
use crate::hook::Hook;
use crate::{
    Context, Error, Handler, NewTask, Outcome, Rest, RetryPolicy, Store, Task, TaskError,
    TaskHandler,
};

/// The kinds of tasks that an engine executes, and their code; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    handlers: Arc<BTreeMap<String, Handler>>,
    states: Arc<States>,
    hooks: Vec<Hook>,
}

impl Registry {
    /// Adds a kind of task.
    #[must_use]
    pub fn with<T: TaskHandler>(self) -> Self {
        self.with_handler(T::KIND, Handler::of::<T>())
    }

    /// Adds a kind of task whose code is not a type: it reads the parameters by itself.
    #[must_use]
    pub fn with_handler(mut self, kind: &str, handler: Handler) -> Self {
        Arc::make_mut(&mut self.handlers).insert(kind.to_owned(), handler);
        self
    }

    /// Adds what the tasks share, one value a type: they find it with [`Context::state`].
    #[must_use]
    pub fn with_state<S: Any + Send + Sync>(mut self, state: S) -> Self {
        context::add(&mut self.states, state);
        self
    }

    /// Adds a hook around the executions of all kinds, inside of those that were added before. It may
    /// do something before and after [`Rest::run`], or refuse the task by an error, without running
    /// it; its own errors and panics are the failure of the task, under the name of the hook. If the
    /// engine is dropped, so is the hook, where it is.
    #[must_use]
    pub fn with_hook<F, Fut>(mut self, name: &str, code: F) -> Self
    where
        F: Fn(Context, Rest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Outcome> + Send + 'static,
    {
        self.hooks.push(Hook::new(name, code));
        self
    }

    /// The known kinds, in alphabetical order.
    pub fn kinds(&self) -> Vec<String> {
        self.handlers.keys().cloned().collect()
    }

    /// Makes a task, and makes sure that it can be executed; its code isn't run.
    ///
    /// # Errors
    /// [`Error::UnknownKind`]; [`Error::Parameters`] if they aren't an object, or don't fit the
    /// kind.
    pub fn new_task(&self, kind: &str, parameters: Value) -> Result<NewTask, Error> {
        self.find(kind)?.check(kind, &parameters)?;
        Ok(NewTask::new(kind, parameters))
    }

    /// The code of this kind.
    ///
    /// # Errors
    /// [`Error::UnknownKind`].
    pub fn find(&self, kind: &str) -> Result<&Handler, Error> {
        self.handlers.get(kind).ok_or_else(|| Error::UnknownKind {
            kind: kind.to_owned(),
            known: self.kinds(),
        })
    }

    pub(crate) fn retry_policy(&self, kind: &str) -> Option<&RetryPolicy> {
        self.handlers.get(kind)?.retry_policy.as_ref()
    }

    pub(crate) fn timeout(&self, kind: &str) -> Option<Duration> {
        self.handlers.get(kind)?.timeout
    }

    /// Runs the code for this task.
    pub(crate) async fn execute(
        &self,
        task: Task,
        store: Store,
        cancellation: CancellationToken,
    ) -> Outcome {
        let context = Context::new(task, self.states.clone(), Some(store), cancellation);
        let handler = self.find(&context.task.kind);
        let handler = handler.map_err(TaskError::permanent)?;
        let hooks = self.hooks.iter().chain(&handler.hooks).cloned().collect();
        Rest::new(hooks, handler.clone()).run(context).await
    }
}
