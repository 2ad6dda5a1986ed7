//! The table `schedules`.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::tasks;
use super::values::{json, text, time};
use crate::{Error, NewTask, Schedule, Tx};

/// A schedule whose tick is due, or whose next one was looked for at a time that is still to come.
#[derive(Debug)]
pub(crate) struct Due {
    pub schedule: Schedule,
    pub next_at: Option<i64>,
}

/// In place of the one of this name. The same times go on as they were: none is lost, none comes
/// twice.
pub(super) fn set(
    tx: &Tx,
    schedule: &Schedule,
    next: Option<Timestamp>,
) -> Result<Option<Timestamp>, Error> {
    let parameters = schedule.parameters.to_string();
    let update = "UPDATE schedules SET task_kind = ?4, task_parameters = ?5
                  WHERE name = ?1 AND expression = ?2 AND time_zone = ?3 RETURNING next_at";
    let same = (
        &schedule.name,
        &schedule.expression,
        &schedule.time_zone,
        &schedule.kind,
        &parameters,
    );
    let mut update = tx.prepare_cached(update)?;
    let same = update.query_one(same, |row| row.get::<_, Option<_>>(0));
    if let Some(next_at) = same.optional()? {
        return Ok(next_at.map(time));
    }
    let next = next.ok_or_else(|| Error::Schedule {
        name: schedule.name.clone(),
        reason: format!("the expression \"{}\" never comes", schedule.expression),
    })?;
    let insert = "INSERT INTO schedules (name, expression, time_zone, task_kind, task_parameters,
                                         next_at, computed_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                  ON CONFLICT DO UPDATE SET expression = ?2, time_zone = ?3, task_kind = ?4,
                  task_parameters = ?5, next_at = ?6, computed_at = ?7";
    tx.prepare_cached(insert)?.execute((
        &schedule.name,
        &schedule.expression,
        &schedule.time_zone,
        &schedule.kind,
        &parameters,
        next.as_millisecond(),
        tx.now.as_millisecond(),
    ))?;
    Ok(Some(next))
}

/// And when the next one is.
pub(super) fn due(
    sql: &Connection,
    now: Timestamp,
) -> Result<(Vec<Due>, Option<Timestamp>), Error> {
    let now = now.as_millisecond();
    let due = "SELECT * FROM schedules WHERE next_at <= ?1 OR computed_at > ?1";
    let mut due = sql.prepare_cached(due)?;
    let due = due.query_map([now], |row| {
        Ok(Due {
            schedule: Schedule {
                name: text(row.get_ref("name")?),
                kind: text(row.get_ref("task_kind")?),
                parameters: json(row.get_ref("task_parameters")?),
                expression: text(row.get_ref("expression")?),
                time_zone: text(row.get_ref("time_zone")?),
            },
            next_at: row.get("next_at")?,
        })
    })?;
    let next = "SELECT min(next_at) FROM schedules WHERE next_at > ?1";
    let mut next = sql.prepare_cached(next)?;
    let next: Option<i64> = next.query_one([now], |row| row.get(0))?;
    Ok((due.collect::<Result<_, _>>()?, next.map(time)))
}

/// Whoever comes second finds another tick: it was read before, outside of the transaction.
pub(super) fn tick(
    tx: &Tx,
    due: &Due,
    next: Option<Timestamp>,
) -> Result<Option<(Timestamp, i64)>, Error> {
    let Schedule {
        name,
        expression,
        time_zone,
        ..
    } = &due.schedule;
    let tick = due.next_at.filter(|at| time(*at) <= tx.now);
    let update = "UPDATE schedules SET next_at = ?5, last_at = coalesce(?6, last_at),
                  computed_at = ?7
                  WHERE name = ?1 AND expression = ?2 AND time_zone = ?3 AND next_at IS ?4
                  RETURNING task_kind, task_parameters";
    let next = next.map(Timestamp::as_millisecond);
    let now = tx.now.as_millisecond();
    let moved = (name, expression, time_zone, due.next_at, next, tick, now);
    let mut update = tx.prepare_cached(update)?;
    let task = update.query_one(moved, |row| {
        let kind = text(row.get_ref("task_kind")?);
        Ok(NewTask::new(&kind, json(row.get_ref("task_parameters")?)))
    });
    let (Some(mut task), Some(tick)) = (task.optional()?, tick) else {
        return Ok(None);
    };
    // If the clock was set back, it had its task already.
    let made = "SELECT 1 FROM tasks WHERE schedule = ?1 AND tick = ?2";
    if tx.prepare_cached(made)?.exists((name, tick))? {
        return Ok(None);
    }
    let tick = time(tick);
    task = task.at(tick);
    task.tick = Some((name.clone(), tick));
    Ok(Some((tick, tasks::create(tx, &task)?.id())))
}
