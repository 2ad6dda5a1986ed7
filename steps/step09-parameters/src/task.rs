use serde_json::Value;

use crate::{Error, Handler, TaskHandler};

/// A task that a worker has acquired.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Its number: tasks are numbered from 1, in the order of their creation.
    pub id: i64,
    /// Which code executes it.
    pub kind: String,
    /// What it works on: an object. What isn't JSON in the database is a text here, which fits no
    /// kind.
    pub parameters: Value,
}

/// A task that is yet to be created.
#[must_use]
#[derive(Debug, Clone, PartialEq)]
pub struct NewTask {
    pub(crate) kind: String,
    pub(crate) parameters: Value,
}

impl NewTask {
    /// Makes a task of a kind that this program may not know, of an object of parameters.
    pub fn new(kind: &str, parameters: Value) -> Self {
        Self {
            kind: kind.to_owned(),
            parameters,
        }
    }

    /// Makes a task of a known kind.
    ///
    /// # Errors
    /// [`Error::Parameters`] if they can't be written as a JSON object and read back.
    pub fn of<T: TaskHandler>(task: &T) -> Result<Self, Error> {
        let parameters = serde_json::to_value(task).map_err(|error| Error::Parameters {
            kind: T::KIND.to_owned(),
            reason: error.to_string(),
        })?;
        Handler::of::<T>().check(T::KIND, &parameters)?;
        Ok(Self::new(T::KIND, parameters))
    }
}

/// What can be created: a [`NewTask`], or a reference to a [`TaskHandler`].
pub trait IntoNewTask {
    /// Makes the task that is to be created.
    ///
    /// # Errors
    /// [`Error::Parameters`] if they can't be written as a JSON object and read back.
    fn into_new_task(self) -> Result<NewTask, Error>;
}

impl IntoNewTask for NewTask {
    fn into_new_task(self) -> Result<NewTask, Error> {
        Ok(self)
    }
}

impl<T: TaskHandler> IntoNewTask for &T {
    fn into_new_task(self) -> Result<NewTask, Error> {
        NewTask::of(self)
    }
}
