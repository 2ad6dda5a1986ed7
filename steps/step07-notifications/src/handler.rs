use std::pin::Pin;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Deserializer, Map, Value};

use crate::{Error, NewTask, Task};

type BoxFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A kind of task: its fields are the parameters, its code is [`TaskHandler::execute`].
pub trait TaskHandler: Serialize + DeserializeOwned + Send + 'static {
    /// The name of this kind in the database.
    const KIND: &'static str;

    /// Executes the task.
    fn execute(self, task: &Task) -> impl Future<Output = ()> + Send;
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
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self {
            code: Arc::new(move |task| Ok(Box::pin(code(task)))),
        }
    }

    /// Makes a handler of a kind of task.
    pub fn of<T: TaskHandler>() -> Self {
        Self {
            code: Arc::new(|task| {
                let handler: T = parse(&task.kind, &task.parameters)?;
                Ok(Box::pin(async move { handler.execute(&task).await }))
            }),
        }
    }

    /// Runs the code for this task.
    ///
    /// # Errors
    /// [`Error::Parameters`] if they don't fit the kind of the task.
    pub async fn execute(&self, task: Task) -> Result<(), Error> {
        (self.code)(task)?.await;
        Ok(())
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

fn parse<T: DeserializeOwned>(kind: &str, parameters: &str) -> Result<T, Error> {
    let mut json = Deserializer::from_str(parameters);
    let parsed = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| Error::parameters(kind, &error))?;
    json.end()
        .map_err(|error| Error::parameters(kind, &error))?;
    Ok(parsed)
}
