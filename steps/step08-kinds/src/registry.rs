use std::collections::BTreeMap;
use std::sync::Arc;

use crate::{Context, Error, Handler};

/// The kinds of tasks that an engine executes, and their code; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    handlers: Arc<BTreeMap<String, Handler>>,
}

impl Registry {
    /// Adds a kind of task.
    #[must_use]
    pub fn with_handler(mut self, kind: &str, handler: Handler) -> Self {
        Arc::make_mut(&mut self.handlers).insert(kind.to_owned(), handler);
        self
    }

    /// The known kinds, in alphabetical order.
    pub fn kinds(&self) -> Vec<String> {
        self.handlers.keys().cloned().collect()
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

    /// Runs the code for this task.
    pub(crate) async fn execute(&self, context: Context) -> Result<(), Error> {
        self.find(&context.task.kind)?.execute(context).await;
        Ok(())
    }
}
