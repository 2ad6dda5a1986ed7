use jiff::Timestamp;
use serde_json::Value;
use tokio::task::spawn_blocking;

use crate::{Error, IntoNewTask, cron};

/// When tasks are created again and again, and which: see [`Store::add_schedule`].
///
/// [`Store::add_schedule`]: crate::Store::add_schedule
#[must_use]
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) parameters: Value,
    pub(crate) expression: String,
    pub(crate) time_zone: String,
}

impl Schedule {
    /// Makes a schedule of this name, whose tasks have the kind and the parameters of this one. The
    /// expression has the five fields of cron, in UTC; or six, from the seconds on; or seven, up to
    /// the year.
    ///
    /// # Errors
    /// [`Error::Parameters`] if they can't be written as a JSON object and read back. The expression
    /// isn't read yet.
    pub fn new(
        name: impl Into<String>,
        task: impl IntoNewTask,
        expression: impl Into<String>,
    ) -> Result<Self, Error> {
        let task = task.into_new_task()?;
        Ok(Self {
            name: name.into(),
            kind: task.kind,
            parameters: task.parameters,
            expression: expression.into(),
            time_zone: "UTC".to_owned(),
        })
    }

    /// The same schedule, by the clocks of this place: `Europe/Paris`.
    pub fn time_zone(mut self, name: impl Into<String>) -> Self {
        self.time_zone = name.into();
        self
    }

    /// The first tick after this time, if there is one.
    pub(crate) async fn next_after(&self, after: Timestamp) -> Result<Option<Timestamp>, Error> {
        let (expression, zone) = (self.expression.clone(), self.time_zone.clone());
        let next = spawn_blocking(move || cron::next_after(&expression, &zone, after)).await;
        // Only code that panics fails here.
        let next = next.unwrap_or_else(|error| Err(error.to_string()));
        next.map_err(|reason| Error::Schedule {
            name: self.name.clone(),
            reason,
        })
    }
}
