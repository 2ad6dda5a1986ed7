use std::collections::HashMap;
use std::sync::Arc;

use croner::{Cron, errors::CronError};
use jiff::Timestamp;
use tracing::{error, info, warn};

use crate::{Engine, Error, IntoNewTask, NewTask};

/// When a task is created again and again: see [`Store::add_schedule`](crate::Store::add_schedule).
#[must_use]
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    pub(crate) name: String,
    pub(crate) task: NewTask,
    pub(crate) expression: String,
    pub(crate) time_zone: String,
}

impl Schedule {
    /// Makes a schedule of this name, of tasks of the kind and with the parameters of this one. The
    /// expression is one of cron: five fields, in UTC; or six, from the seconds on.
    ///
    /// # Errors
    /// [`Error::Parameters`]; the expression isn't read yet.
    pub fn new(name: &str, task: impl IntoNewTask, expression: &str) -> Result<Self, Error> {
        Ok(Self {
            name: name.to_owned(),
            task: task.into_new_task()?,
            expression: expression.to_owned(),
            time_zone: "UTC".to_owned(),
        })
    }

    /// The same schedule, by the clocks of this place: `Europe/Paris`.
    pub fn time_zone(mut self, name: &str) -> Self {
        name.clone_into(&mut self.time_zone);
        self
    }
}

type Wrong = Box<dyn std::error::Error + Send + Sync>;
type Told = HashMap<String, Timestamp>;

/// The first time after this one that the expression names, if there is one.
pub(crate) fn next_after(cron: &str, zone: &str, time: Timestamp) -> Result<Option<i64>, Wrong> {
    let time = jiff_02::Timestamp::from_millisecond(time.as_millisecond())?;
    let cron = cron.parse::<Cron>()?;
    match cron.find_next_occurrence(&time.in_tz(zone)?, false) {
        Ok(next) => Ok(Some(next.timestamp().as_millisecond())),
        Err(CronError::TimeSearchLimitExceeded) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Creates the tasks of the schedules. All engines do: a tick is that of the first to come. Looks when
/// one is due, when one may have changed, and once in a while: the clock may have been set.
pub(crate) async fn run(engine: Arc<Engine>, mut told: Told) -> Result<(), Error> {
    let mut changes = engine.store.schedules.subscribe();
    loop {
        let next = look(&engine, &mut told).await;
        tokio::select! {
            () = engine.store.clock().sleep_until(next) => (),
            _ = changes.changed() => (),
        }
    }
}

/// Returns when to look again. A tick that can't have its task is told once, and holds up no other.
pub(crate) async fn look(engine: &Engine, told: &mut Told) -> Timestamp {
    let latest = engine.store.clock().after(engine.config.wake_up_interval);
    let unread = |error: Error| error!(error = error.with_causes(), "schedules can't be read");
    let schedules = engine.store.schedules().await.map_err(unread);
    for (schedule, at) in schedules.unwrap_or_default() {
        if at > engine.store.now() {
            return at.min(latest);
        }
        match engine.store.tick(schedule.clone()).await {
            Ok(None) => (),
            Ok(Some((tick, task))) => info!(schedule, %tick, task, "tick"),
            Err(_) if told.insert(schedule.clone(), at) == Some(at) => (),
            Err(error) => warn!(schedule, error = error.with_causes(), "tick held up"),
        }
    }
    latest
}
