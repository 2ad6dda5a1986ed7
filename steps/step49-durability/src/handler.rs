use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::hook::Hook;
use crate::{Context, Error, Rest, RetryPolicy, TaskError};

/// How an execution has ended: with a result, or with an error.
pub type Outcome = Result<Value, TaskError>;

pub(crate) type BoxFuture = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// A kind of task: its fields are the parameters, its code is [`TaskHandler::execute`].
pub trait TaskHandler: Serialize + DeserializeOwned + Send + 'static {
    /// The name of this kind in the database.
    const KIND: &'static str;

    /// What it returns: this is kept, as JSON, with the execution.
    type Output: Serialize;

    /// When a task of this kind that has failed is executed again: as the engine says, if this
    /// doesn't.
    fn retry_policy() -> Option<RetryPolicy> {
        None
    }

    /// How long an execution may last: for ever, if this doesn't say. Then it is asked to stop, by
    /// [`Context::cancelled`], and cut short if it doesn't.
    fn timeout() -> Option<Duration> {
        None
    }

    /// Executes the task.
    ///
    /// # Errors
    /// Those of your code; they are kept with the execution. A panic is an error too.
    fn execute(
        self,
        context: &Context,
    ) -> impl Future<Output = Result<Self::Output, TaskError>> + Send;
}

/// The code that a task runs; cheap to clone.
#[derive(Clone)]
pub struct Handler {
    code: Arc<dyn Fn(Context) -> BoxFuture + Send + Sync>,
    check: fn(&str, &Value) -> Result<(), Error>,
    pub(crate) retry_policy: Option<RetryPolicy>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) hooks: Vec<Hook>,
}

impl Handler {
    /// Makes a handler of an asynchronous function; what it returns is the result of the task.
    /// It only fails by a panic.
    pub fn new<F, Fut>(code: F) -> Self
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: Serialize> + Send + 'static,
    {
        Self::fallible(move |context| {
            let execution = code(context);
            async move { Ok(execution.await) }
        })
    }

    /// Makes a handler of an asynchronous function that may return an error.
    pub fn fallible<F, Fut, T>(code: F) -> Self
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, TaskError>> + Send + 'static,
        T: Serialize,
    {
        let code = Arc::new(code);
        Self {
            code: Arc::new(move |context| {
                let code = code.clone();
                Box::pin(async move { write(&code(context).await?) })
            }),
            check: |_, _| Ok(()),
            retry_policy: None,
            timeout: None,
            hooks: Vec::new(),
        }
    }

    /// Makes a handler of a kind of task.
    pub fn of<T: TaskHandler>() -> Self {
        Self {
            code: Arc::new(|context| {
                Box::pin(async move {
                    let task = read::<T>(&context.task.kind, &context.task.parameters);
                    let task = task.map_err(TaskError::permanent)?;
                    write(&task.execute(&context).await?)
                })
            }),
            check: |kind, parameters| read::<T>(kind, parameters).map(drop),
            retry_policy: T::retry_policy(),
            timeout: T::timeout(),
            hooks: Vec::new(),
        }
    }

    /// The same code, whose tasks that have failed are executed again as this policy says.
    #[must_use]
    pub fn retried(mut self, policy: RetryPolicy) -> Self {
        self.retry_policy = Some(policy);
        self
    }

    /// The same code, whose executions may last as long as this, and no longer: see
    /// [`TaskHandler::timeout`].
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// The same code, with this hook around it, inside of those that it has already; see
    /// [`Registry::with_hook`](crate::Registry::with_hook).
    #[must_use]
    pub fn hooked<F, Fut>(mut self, name: &str, code: F) -> Self
    where
        F: Fn(Context, Rest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Outcome> + Send + 'static,
    {
        self.hooks.push(Hook::new(name, code));
        self
    }

    /// Runs the code for this task, without its hooks.
    ///
    /// # Errors
    /// Those of the code, [`Error::Parameters`] if they don't fit the kind of the task, and
    /// [`Error::Result`].
    pub async fn execute(&self, context: Context) -> Outcome {
        (self.code)(context).await
    }

    /// Says whether a task of these parameters could be executed: its code isn't run.
    pub(crate) fn check(&self, kind: &str, parameters: &Value) -> Result<(), Error> {
        // An array would do for a structure.
        read::<Map<_, _>>(kind, parameters)?;
        (self.check)(kind, parameters)
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Handler").finish_non_exhaustive()
    }
}

fn read<T: DeserializeOwned>(kind: &str, parameters: &Value) -> Result<T, Error> {
    serde_path_to_error::deserialize(parameters).map_err(|error| Error::Parameters {
        kind: kind.to_owned(),
        reason: error.to_string(),
    })
}

fn write(result: &impl Serialize) -> Outcome {
    serde_json::to_value(result).map_err(|error| TaskError::permanent(Error::Result(error)))
}
