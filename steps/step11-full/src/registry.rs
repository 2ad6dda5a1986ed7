use std::collections::BTreeMap;
use std::sync::Arc;

use crate::{Error, Handler, NewTask, Outcome, Task, TaskHandler};

/// The kinds of tasks that an engine executes, and their code; cheap to clone.
#[derive(Clone, Default)]
pub struct Registry {
    handlers: Arc<BTreeMap<String, Handler>>,
}

impl Registry {
    /// Adds a kind of task.
    #[must_use]
    pub fn with<T: TaskHandler>(self) -> Self {
        self.with_handler(T::KIND, Handler::of::<T>())
    }

    /// Adds a kind of task whose code is not a type: it may hold what all its tasks share, such
    /// as connections, and it reads the parameters of each task by itself.
    #[must_use]
    pub fn with_handler(mut self, kind: &str, handler: Handler) -> Self {
        Arc::make_mut(&mut self.handlers).insert(kind.to_owned(), handler);
        self
    }

    /// The known kinds, in alphabetical order.
    pub fn kinds(&self) -> Vec<String> {
        self.handlers.keys().cloned().collect()
    }

    /// Makes a task from texts, and makes sure that it can be executed.
    ///
    /// # Errors
    /// [`Error::UnknownKind`]; [`Error::Parameters`] if they aren't a JSON object, or don't fit
    /// the kind.
    pub fn new_task(&self, kind: &str, parameters: &str) -> Result<NewTask, Error> {
        let task = NewTask {
            kind: kind.to_owned(),
            parameters: parameters.to_owned(),
            scheduled_at: None,
        };
        self.find(kind)?.check(&task)?;
        Ok(task)
    }

    /// Runs the code for this task.
    pub(crate) async fn execute(&self, task: Task) -> Result<Outcome, Error> {
        Ok(self.find(&task.kind)?.execute(task).await)
    }

    fn find(&self, kind: &str) -> Result<&Handler, Error> {
        self.handlers.get(kind).ok_or_else(|| Error::UnknownKind {
            kind: kind.to_owned(),
            known: self.kinds(),
        })
    }
}
