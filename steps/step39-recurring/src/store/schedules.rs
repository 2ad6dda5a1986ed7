//! The table `schedules`.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::bounded_kinds::check_room;
use super::values::{text, time};
use crate::schedule::next_after;
use crate::{Error, Schedule, Store};

impl Store {
    /// Has a task created at each tick of this schedule, by whatever engine runs. It replaces the one
    /// of this name, whose next tick stays, unless the expression or the time zone is another one: a
    /// program may do this each time it starts. Returns the first tick that is to come.
    ///
    /// # Errors
    /// [`Error::Schedule`]; [`Error::Sqlite`].
    pub async fn add_schedule(&self, schedule: Schedule) -> Result<Timestamp, Error> {
        // Not in the transaction: that there is none takes long to find.
        let next = next_after(&schedule.expression, &schedule.time_zone, self.now());
        let next = next.and_then(|next| next.ok_or_else(|| "there is none to come".into()));
        let next = next.map_err(|wrong| Error::Schedule(schedule.name.clone(), wrong))?;
        let added = self.transaction(move |tx| {
            let insert = "INSERT INTO schedules VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                          ON CONFLICT DO UPDATE SET task_kind = ?2, task_parameters = ?3,
                          expression = ?4, time_zone = ?5,
                          next_at = iif(expression = ?4 AND time_zone = ?5, next_at, ?6),
                          computed_at = iif(expression = ?4 AND time_zone = ?5, computed_at, ?7)";
            let (name, expression) = (&schedule.name, &schedule.expression);
            let (zone, kind) = (&schedule.time_zone, &schedule.task.kind);
            let parameters = schedule.task.parameters.to_string();
            let now = tx.now.as_millisecond();
            let row = (name, kind, parameters, expression, zone, next, now);
            Ok(tx.prepare_cached(insert)?.execute(row)?)
        });
        added.await?;
        self.schedules.send_replace(());
        Ok(time(next))
    }

    /// The schedules, and when there is something to do for them, the first one first.
    pub(crate) async fn schedules(&self) -> Result<Vec<(String, Timestamp)>, Error> {
        let now = self.now().as_millisecond();
        let look = move |sql: &Connection| {
            let all = "SELECT name, iif(computed_at > ?1, ?1, next_at) AS at FROM schedules
                       WHERE at NOT NULL ORDER BY at";
            let mut all = sql.prepare_cached(all)?;
            let all = all.query_map([now], |row| Ok((text(row.get_ref(0)?), time(row.get(1)?))))?;
            Ok(all.collect::<Result<_, _>>()?)
        };
        self.reader.read(look).await
    }

    /// Creates the task of a tick that has come, if it is still to be, and moves on: all or nothing.
    pub(crate) async fn tick(&self, name: String) -> Result<Option<(Timestamp, i64)>, Error> {
        let ticked = self.transaction(move |tx| {
            let now = tx.now.as_millisecond();
            let find = "SELECT task_kind, expression, time_zone FROM schedules
                        WHERE name = ?1 AND (next_at <= ?2 OR computed_at > ?2)";
            let mut find = tx.prepare_cached(find)?;
            let found = find.query_one((&name, now), |row| row.try_into());
            let found: Option<(String, String, String)> = found.optional()?;
            let Some((kind, cron, zone)) = found else {
                let readable = !name.contains(char::REPLACEMENT_CHARACTER);
                let wrong = || Error::Schedule(name.clone(), "its name isn't UTF-8".into());
                return readable.then_some(None).ok_or_else(wrong);
            };
            check_room(tx, &kind)?;
            let create = "INSERT INTO tasks (task_kind, task_parameters, scheduled_at, created_at,
                                             updated_at, schedule, tick)
                          SELECT task_kind, task_parameters, next_at, ?2, ?2, name, next_at
                          FROM schedules WHERE name = ?1 AND next_at <= ?2
                          ON CONFLICT DO NOTHING RETURNING tick, id";
            let mut create = tx.prepare_cached(create)?;
            let task = create.query_one((&name, now), |row| Ok((time(row.get(0)?), row.get(1)?)));
            // After now: one task stands for all the ticks that were missed.
            let next = next_after(&cron, &zone, tx.now);
            let next = next.map_err(|wrong| Error::Schedule(name.clone(), wrong))?;
            let update = "UPDATE schedules SET next_at = ?2, computed_at = ?3 WHERE name = ?1";
            tx.prepare_cached(update)?.execute((&name, next, now))?;
            Ok(task.optional()?)
        });
        ticked.await.inspect(|_| self.schedules.send_replace(()))
    }
}
