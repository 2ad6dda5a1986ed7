use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use croner::{Cron, Direction, errors::CronError};
use jiff::Timestamp;
use tracing::{error, info, warn};

use crate::{Engine, Error, IntoNewTask, NewTask, ScheduleRecord};

/// When a task is created again and again: see [`Store::add_schedule`](crate::Store::add_schedule).
#[must_use]
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    pub(crate) name: String,
    pub(crate) task: NewTask,
    pub(crate) expression: String,
    pub(crate) time_zone: String,
    pub(crate) missed: Missed,
    pub(crate) overlap: bool,
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
            missed: Missed::default(),
            overlap: false,
        })
    }

    /// The same schedule, by the clocks of this place: `Europe/Paris`.
    pub fn time_zone(mut self, name: &str) -> Self {
        name.clone_into(&mut self.time_zone);
        self
    }

    /// The same schedule, with this to do about the ticks that were missed. The tasks of
    /// [`Missed::All`] wait together: it implies [`overlapping`](Self::overlapping).
    pub fn missed(mut self, what: Missed) -> Self {
        self.missed = what;
        self.overlap |= what == Missed::All;
        self
    }

    /// The same schedule, whose ticks have their tasks even if that of an earlier one isn't done: by
    /// default, there is none while one waits, for a retry too, or runs.
    pub fn overlapping(mut self) -> Self {
        self.overlap = true;
        self
    }
}

/// What is made up for, of the ticks at which no engine was there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Missed {
    /// Nothing: a tick that is a minute late, or more, has no task.
    Skip,
    /// One task stands for all of them; it has the tick of the first one.
    #[default]
    Once,
    /// Each of them has its task, but for those before the last 100.
    All,
}

/// A tick that has come, and what has become of it.
#[derive(Debug)]
pub(crate) enum Tick {
    /// It has this task.
    Task(Timestamp, i64),
    /// It has none, since this task of an earlier one isn't done.
    Overlap(Timestamp, i64),
    /// It has none, nor have those after it that were missed: but for the last ones, if any should.
    Missed(Timestamp, Missed),
}

impl Tick {
    fn tell(&self, schedule: &str) {
        match self {
            Self::Task(tick, task) => info!(schedule, %tick, task, "tick"),
            Self::Overlap(tick, task) => {
                info!(schedule, %tick, task, "tick skipped: the task of an earlier one isn't done");
            }
            Self::Missed(since, Missed::All) => {
                warn!(schedule, %since, "too many missed ticks: only the last {CATCH_UP} have tasks");
            }
            Self::Missed(since, _) => info!(schedule, %since, "missed ticks skipped"),
        }
    }
}

/// A tick that is so late counts as missed.
const LATE: Duration = Duration::from_mins(1);

/// How many ticks may have their tasks at once: a few milliseconds.
const CATCH_UP: usize = 100;

impl Missed {
    /// The words that stand for them, in their order.
    pub const WORDS: [&str; 3] = ["skip", "once", "all"];

    /// The word that stands for it.
    pub fn as_str(self) -> &'static str {
        Self::WORDS[self as usize]
    }

    /// The one for which this word stands: the default, if none does.
    pub fn of(word: &str) -> Self {
        match word {
            "skip" => Self::Skip,
            "all" => Self::All,
            _ => Self::Once,
        }
    }

    /// Which of the ticks that have come, from this one on, are to have a task.
    pub(crate) fn choose(
        self,
        (cron, zone): (&str, &str),
        first: i64,
        now: Timestamp,
    ) -> Result<Vec<i64>, Wrong> {
        let late = now - LATE;
        match self {
            Self::Skip if first <= late.as_millisecond() => {
                let next = next_after(cron, zone, late)?;
                Ok(next
                    .into_iter()
                    .filter(|tick| *tick <= now.as_millisecond())
                    .collect())
            }
            Self::Skip | Self::Once => Ok(vec![first]),
            Self::All => {
                let cron = cron.parse::<Cron>()?;
                // From the last one on: there may be a year of seconds before it.
                let ticks = cron.iter_from(local(now, zone)?, Direction::Backward);
                let ticks = ticks.map(|tick| tick.timestamp().as_millisecond());
                let ticks = ticks.take_while(|tick| *tick > first).chain([first]);
                let mut ticks: Vec<_> = ticks.take(CATCH_UP).collect();
                ticks.reverse();
                Ok(ticks)
            }
        }
    }
}

impl ScheduleRecord {
    /// The first time after this one that the calendar names, if there is one; also while it is
    /// paused.
    ///
    /// # Errors
    /// [`Error::Schedule`].
    pub fn next_tick(&self, time: Timestamp) -> Result<Option<Timestamp>, Error> {
        let next = next_after(&self.expression, &self.time_zone, time);
        let next = next.map_err(|wrong| Error::Schedule(self.name.clone(), wrong))?;
        Ok(next.and_then(|next| Timestamp::from_millisecond(next).ok()))
    }
}

type Wrong = Box<dyn std::error::Error + Send + Sync>;
type Told = HashMap<String, Timestamp>;

/// The first time after this one that the expression names, if there is one.
pub(crate) fn next_after(cron: &str, zone: &str, time: Timestamp) -> Result<Option<i64>, Wrong> {
    let cron = cron.parse::<Cron>()?;
    match cron.find_next_occurrence(&local(time, zone)?, false) {
        Ok(next) => Ok(Some(next.timestamp().as_millisecond())),
        Err(CronError::TimeSearchLimitExceeded) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn local(time: Timestamp, zone: &str) -> Result<jiff_02::Zoned, Wrong> {
    let time = jiff_02::Timestamp::from_millisecond(time.as_millisecond())?;
    Ok(time.in_tz(zone)?)
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
            Ok(ticks) => ticks.iter().for_each(|tick| tick.tell(&schedule)),
            Err(_) if told.insert(schedule.clone(), at) == Some(at) => (),
            Err(error) => warn!(schedule, error = error.with_causes(), "tick held up"),
        }
    }
    latest
}
