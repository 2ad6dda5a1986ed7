//! The table `schedules`.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::bounded_kinds::check_room;
use super::values::{json, text, time};
use crate::schedule::{Missed, Tick, next_after};
use crate::{Error, Schedule, ScheduleRecord, Store, Tx};

/// What is done to a schedule: says whether it changes anything.
type Change = fn(&Tx, &ScheduleRecord) -> Result<bool, Error>;

impl Store {
    /// Has a task created at each tick of this schedule, by whatever engine runs. It replaces the one
    /// of this name, whose next tick stays, unless the expression or the time zone is another one: a
    /// program may do this each time it starts. If that one is paused, it stays so. Returns the first
    /// tick that is to come.
    ///
    /// # Errors
    /// [`Error::Schedule`]; [`Error::Sqlite`].
    pub async fn add_schedule(&self, schedule: Schedule) -> Result<Timestamp, Error> {
        // Not in the transaction: that there is none takes long to find.
        let next = next_after(&schedule.expression, &schedule.time_zone, self.now());
        let next = next.and_then(|next| next.ok_or_else(|| "there is none to come".into()));
        let next = next.map_err(|wrong| Error::Schedule(schedule.name.clone(), wrong))?;
        let added = self.repeat(move |tx| {
            let insert = "INSERT INTO schedules VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, NULL)
                          ON CONFLICT DO UPDATE SET task_kind = ?2, task_parameters = ?3,
                          expression = ?4, time_zone = ?5, missed = ?8, overlap = ?9,
                          next_at = iif(expression = ?4 AND time_zone = ?5, next_at, ?6),
                          computed_at = iif(expression = ?4 AND time_zone = ?5, computed_at, ?7)";
            let (name, expression) = (&schedule.name, &schedule.expression);
            let (zone, kind) = (&schedule.time_zone, &schedule.task.kind);
            let parameters = schedule.task.parameters.to_string();
            let (now, missed) = (tx.now.as_millisecond(), schedule.missed.as_str());
            let overlap = schedule.overlap;
            let row = (
                name, kind, parameters, expression, zone, next, now, missed, overlap,
            );
            Ok(tx.prepare_cached(insert)?.execute(row)?)
        });
        added.await?;
        self.schedules.send_replace(());
        Ok(time(next))
    }

    /// Lets no tick of the schedule of this name have a task any more, on any engine, until it is
    /// resumed. Returns whether it wasn't paused already.
    ///
    /// # Errors
    /// [`Error::NoSchedule`]; [`Error::Sqlite`].
    pub async fn pause_schedule(&self, name: &str) -> Result<bool, Error> {
        self.change(name, |tx, schedule| {
            let pause = "UPDATE schedules SET paused_at = coalesce(paused_at, ?2) WHERE name = ?1";
            tx.execute(pause, (&schedule.name, tx.now.as_millisecond()))?;
            Ok(schedule.paused_at.is_none())
        })
        .await
    }

    /// Lets the schedule of this name go on, from now: the ticks of the time when it was paused have
    /// no task. Returns whether it was paused.
    ///
    /// # Errors
    /// [`Error::NoSchedule`]; [`Error::Schedule`], and it stays paused; [`Error::Sqlite`].
    pub async fn resume_schedule(&self, name: &str) -> Result<bool, Error> {
        let resumed = self.change(name, |tx, schedule| {
            if schedule.paused_at.is_some() {
                let next = schedule.next_tick(tx.now)?.map(Timestamp::as_millisecond);
                let resume = "UPDATE schedules SET paused_at = NULL, next_at = ?2, computed_at = ?3
                              WHERE name = ?1";
                tx.execute(resume, (&schedule.name, next, tx.now.as_millisecond()))?;
            }
            Ok(schedule.paused_at.is_some())
        });
        let resumed = resumed.await?;
        self.schedules.send_replace(());
        Ok(resumed)
    }

    /// Forgets the schedule of this name; the tasks of its ticks stay.
    ///
    /// # Errors
    /// [`Error::NoSchedule`]; [`Error::Sqlite`].
    pub async fn remove_schedule(&self, name: &str) -> Result<(), Error> {
        self.change(name, |tx, schedule| {
            let remove = "DELETE FROM schedules WHERE name = ?1";
            Ok(tx.execute(remove, [&schedule.name])? == 1)
        })
        .await
        .map(drop)
    }

    async fn change(&self, name: &str, change: Change) -> Result<bool, Error> {
        let name = name.to_owned();
        let changed = self.repeat(move |tx| change(tx, &find(tx, &name)?));
        changed.await
    }

    /// The schedules, and when there is something to do for them, the first one first.
    pub(crate) async fn schedules(&self) -> Result<Vec<(String, Timestamp)>, Error> {
        let now = self.now().as_millisecond();
        let look = move |sql: &Connection| {
            let all = "SELECT name, iif(computed_at > ?1, ?1, next_at) AS at FROM schedules
                       WHERE at NOT NULL AND paused_at IS NULL ORDER BY at";
            let mut all = sql.prepare_cached(all)?;
            let all = all.query_map([now], |row| Ok((text(row.get_ref(0)?), time(row.get(1)?))))?;
            Ok(all.collect::<Result<_, _>>()?)
        };
        self.reader.read(look).await
    }

    /// Creates the tasks of the ticks that have come, unless another engine was faster, and moves the
    /// schedule on, all or nothing. Returns what has become of these ticks.
    pub(crate) async fn tick(&self, name: String) -> Result<Vec<Tick>, Error> {
        let ticked = self.repeat(move |tx| {
            let now = tx.now.as_millisecond();
            let find = "SELECT task_kind, expression, time_zone, next_at, missed, overlap
                        FROM schedules WHERE name = ?1 AND paused_at IS NULL
                        AND (next_at <= ?2 OR computed_at > ?2)";
            let mut find = tx.prepare_cached(find)?;
            let found = find.query_one((&name, now), |row| row.try_into());
            let found: Option<(String, String, String, Option<i64>, String, bool)> =
                found.optional()?;
            let Some((kind, cron, zone, at, missed, overlap)) = found else {
                let readable = !name.contains(char::REPLACEMENT_CHARACTER);
                let wrong = || Error::Schedule(name.clone(), "its name isn't UTF-8".into());
                return readable.then(Vec::new).ok_or_else(wrong);
            };
            let wrong = |wrong| Error::Schedule(name.clone(), wrong);
            let mut next = next_after(&cron, &zone, tx.now).map_err(wrong)?;
            let missed = Missed::of(&missed);
            let (mut chosen, mut ticks) = (Vec::new(), Vec::new());
            // It may be to come, if the clock was set back.
            if let Some(first) = at.filter(|at| *at <= now) {
                let choice = missed.choose((&cron, &zone), first, tx.now);
                chosen = choice.map_err(wrong)?;
                if chosen.first() != Some(&first) {
                    ticks.push(Tick::Missed(time(first), missed));
                }
            }
            for tick in chosen {
                if !overlap && let Some(task) = unfinished(tx, &name)? {
                    ticks.push(Tick::Overlap(time(tick), task));
                    continue;
                }
                match check_room(tx, &kind) {
                    // The others are for later.
                    Err(Error::Full { .. }) if !ticks.is_empty() => {
                        next = Some(tick);
                        break;
                    }
                    room => room?,
                }
                let task = create(tx, &name, tick)?;
                ticks.extend(task.map(|task| Tick::Task(time(tick), task)));
            }
            let update = "UPDATE schedules SET next_at = ?2, computed_at = ?3 WHERE name = ?1";
            tx.prepare_cached(update)?.execute((&name, next, now))?;
            Ok(ticks)
        });
        ticked.await.inspect(|_| self.schedules.send_replace(()))
    }
}

/// A task of this schedule that waits or runs.
fn unfinished(tx: &Tx, name: &str) -> Result<Option<i64>, Error> {
    let unfinished = "SELECT id FROM tasks WHERE schedule = ?1
                      AND (status = 'waiting' OR status = 'running') LIMIT 1";
    let mut unfinished = tx.prepare_cached(unfinished)?;
    Ok(unfinished.query_one([name], |row| row.get(0)).optional()?)
}

/// Returns its number, unless this tick has one already.
fn create(tx: &Tx, name: &str, tick: i64) -> Result<Option<i64>, Error> {
    let create = "INSERT INTO tasks (task_kind, task_parameters, scheduled_at, created_at,
                                     updated_at, schedule, tick)
                  SELECT task_kind, task_parameters, ?2, ?3, ?3, name, ?2
                  FROM schedules WHERE name = ?1
                  ON CONFLICT DO NOTHING RETURNING id";
    let mut create = tx.prepare_cached(create)?;
    let row = (name, tick, tx.now.as_millisecond());
    Ok(create.query_one(row, |row| row.get(0)).optional()?)
}

/// The schedule of this name, or all of them.
pub(super) fn list(sql: &Connection, name: Option<&str>) -> Result<Vec<ScheduleRecord>, Error> {
    let all = "SELECT *, iif(paused_at IS NULL, next_at, NULL) AS next,
               (SELECT id FROM tasks WHERE schedule = name ORDER BY tick DESC LIMIT 1) AS last_task
               FROM schedules WHERE ?1 IS NULL OR name = ?1 ORDER BY name";
    let mut all = sql.prepare_cached(all)?;
    let all = all.query_map([name], |row| {
        let expression = text(row.get_ref("expression")?);
        let time_zone = text(row.get_ref("time_zone")?);
        let wrong = next_after(&expression, &time_zone, Timestamp::UNIX_EPOCH).err();
        Ok(ScheduleRecord {
            name: text(row.get_ref("name")?),
            kind: text(row.get_ref("task_kind")?),
            parameters: json(row.get_ref("task_parameters")?),
            expression,
            time_zone,
            wrong: wrong.map(|wrong| wrong.to_string()),
            paused_at: row.get::<_, Option<_>>("paused_at")?.map(time),
            next_at: row.get::<_, Option<_>>("next")?.map(time),
            last_task: row.get("last_task")?,
        })
    })?;
    Ok(all.collect::<Result<_, _>>()?)
}

fn find(sql: &Connection, name: &str) -> Result<ScheduleRecord, Error> {
    let found = list(sql, Some(name))?.pop();
    found.ok_or_else(|| Error::NoSchedule(name.to_owned()))
}
