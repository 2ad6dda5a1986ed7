use std::pin::Pin;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Deserializer, Map, Value};

use crate::{Error, NewTask, Task};

/// What it gives is JSON.
type BoxFuture = Pin<Box<dyn Future<Output = Result<String, Error>> + Send>>;

/// A kind of task: its fields are the parameters, its code is [`TaskHandler::execute`].
pub trait TaskHandler: Serialize + DeserializeOwned + Send + 'static {
    /// The name of this kind in the database.
    const KIND: &'static str;

    /// What it returns: this is kept, as JSON, with the execution.
    type Output: Serialize;

    /// Executes the task.
    fn execute(self, task: &Task) -> impl Future<Output = Self::Output> + Send;
}

/// The code that a task runs; cheap to clone.
#[derive(Clone)]
pub struct Handler {
    code: Arc<dyn Fn(Task) -> Result<BoxFuture, Error> + Send + Sync>,
}

impl Handler {
    /// Makes a handler of an asynchronous function.
    pub fn new<F, Fut>(code: F) -> Self
    where
        F: Fn(Task) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: Serialize> + Send + 'static,
    {
        Self {
            code: Arc::new(move |task| {
                let execution = code(task);
                Ok(Box::pin(async move { to_json(&execution.await) }))
            }),
        }
    }

    /// Makes a handler of a kind of task.
    pub fn of<T: TaskHandler>() -> Self {
        Self {
            code: Arc::new(|task| {
                let handler: T = parse(&task.kind, &task.parameters)?;
                let execution = async move { to_json(&handler.execute(&task).await) };
                Ok(Box::pin(execution))
            }),
        }
    }

    /// Runs the code for this task, and gives what it returns, in JSON.
    ///
    /// # Errors
    /// [`Error::Parameters`] if they don't fit the kind of the task; [`Error::Result`].
    pub async fn execute(&self, task: Task) -> Result<String, Error> {
        (self.code)(task)?.await
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
        let new_task = Self { kind, parameters };
        Handler::of::<T>().check(&new_task)?;
        Ok(new_task)
    }
}

fn to_json(result: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(result).map_err(Error::Result)
}

fn parse<T: DeserializeOwned>(kind: &str, parameters: &str) -> Result<T, Error> {
    let mut json = Deserializer::from_str(parameters);
    let parsed = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| Error::parameters(kind, &error))?;
    json.end()
        .map_err(|error| Error::parameters(kind, &error))?;
    Ok(parsed)
}
