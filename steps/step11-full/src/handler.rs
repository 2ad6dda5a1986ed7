use std::pin::Pin;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Deserializer, Map, Value};

use crate::{Error, NewTask, Task, TaskError};

/// How an execution has ended: with a result, in JSON, or with an error.
pub type Outcome = Result<String, TaskError>;

type BoxFuture = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// A kind of task: its fields are the parameters, its code is [`TaskHandler::execute`].
pub trait TaskHandler: Serialize + DeserializeOwned + Send + 'static {
    /// The name of this kind in the database.
    const KIND: &'static str;

    /// Whether a task of this kind that has failed is executed again later.
    const RETRY: bool = true;

    /// What it returns: this is kept, as JSON, with the execution.
    type Output: Serialize;

    /// Executes the task.
    ///
    /// # Errors
    /// Those of your code; they are kept with the execution. A panic is an error too.
    fn execute(self, task: &Task) -> impl Future<Output = Result<Self::Output, TaskError>> + Send;
}

/// The code that a task runs; cheap to clone.
#[derive(Clone)]
pub struct Handler {
    code: Arc<dyn Fn(Task) -> Result<BoxFuture, Error> + Send + Sync>,
    retry: bool,
}

impl Handler {
    /// Makes a handler of an asynchronous function that only fails by a panic: whatever it returns
    /// is its result.
    pub fn new<F, Fut>(code: F) -> Self
    where
        F: Fn(Task) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: Serialize> + Send + 'static,
    {
        Self::fallible(move |task| {
            let execution = code(task);
            async move { Ok(execution.await) }
        })
    }

    /// Makes a handler of an asynchronous function that may return an error.
    pub fn fallible<F, Fut, T>(code: F) -> Self
    where
        F: Fn(Task) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, TaskError>> + Send + 'static,
        T: Serialize,
    {
        Self {
            code: Arc::new(move |task| {
                let execution = code(task);
                Ok(Box::pin(async move { to_json(&execution.await?) }))
            }),
            retry: true,
        }
    }

    /// Makes a handler of a kind of task.
    pub fn of<T: TaskHandler>() -> Self {
        Self {
            code: Arc::new(|task| {
                let handler: T = parse(&task.kind, &task.parameters)?;
                let execution = async move { to_json(&handler.execute(&task).await?) };
                Ok(Box::pin(execution))
            }),
            retry: T::RETRY,
        }
    }

    /// Runs the code for this task, and gives what it returns, in JSON.
    ///
    /// # Errors
    /// Those of the code, its panics, and, without retry, [`Error::Parameters`] if they don't fit
    /// the kind of the task, and [`Error::Result`].
    pub async fn execute(&self, task: Task) -> Outcome {
        let code = self.code.clone();
        // Apart from the worker, which a panic must not reach, wherever in the code it comes from.
        let execution =
            tokio::spawn(async move { code(task).map_err(TaskError::permanent)?.await });
        let outcome = execution.await.unwrap_or_else(|error| {
            let panic = error.try_into_panic();
            Err(panic.map_or_else(TaskError::from, TaskError::of_panic))
        });
        outcome.map_err(|error| {
            if self.retry {
                error
            } else {
                error.without_retry()
            }
        })
    }

    /// Says whether this task could be executed: the code is prepared, and not run.
    pub(crate) fn check(&self, task: &NewTask) -> Result<(), Error> {
        parse::<Map<String, Value>>(&task.kind, &task.parameters)?;
        let task = Task {
            id: 0,
            kind: task.kind.clone(),
            parameters: task.parameters.clone(),
        };
        (self.code)(task).map(drop)
    }
}

impl NewTask {
    /// Makes a task of a known kind.
    ///
    /// # Errors
    /// [`Error::Parameters`] if they can't be written as a JSON object and read back.
    pub fn of<T: TaskHandler>(task: &T) -> Result<Self, Error> {
        let kind = T::KIND.to_owned();
        let parameters =
            serde_json::to_string(task).map_err(|error| Error::parameters(&kind, &error))?;
        let new_task = Self {
            kind,
            parameters,
            scheduled_at: None,
        };
        Handler::of::<T>().check(&new_task)?;
        Ok(new_task)
    }
}

fn to_json(result: &impl Serialize) -> Outcome {
    serde_json::to_string(result).map_err(|error| TaskError::permanent(Error::Result(error)))
}

fn parse<T: DeserializeOwned>(kind: &str, parameters: &str) -> Result<T, Error> {
    let mut json = Deserializer::from_str(parameters);
    let parsed = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| Error::parameters(kind, &error))?;
    json.end()
        .map_err(|error| Error::parameters(kind, &error))?;
    Ok(parsed)
}
