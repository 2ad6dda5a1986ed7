//! The table `tasks`.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};
use serde_json::{Value, json};

use super::bounded_kinds;
use super::values::{json, option, text, time};
use crate::{
    Cancelled, Created, Ending, Error, Filter, IfExists, NewTask, Priority, Task, TaskRecord,
    TaskStatus, Tx, Which,
};

/// How many tasks are put back in one transaction: a few milliseconds.
const BATCH: u32 = 200;

/// How many waiting tasks are cancelled in one transaction: they have no execution to close.
const CANCELLED: usize = 1000;

/// How many tasks are held in one look at those that wait.
const HELD: u32 = 100;

/// What the engine has noted in the context of a task.
const CONTEXT: &str = "context ->> 'retry_number' AS retry_number, context ->> 'parent' AS parent,
    context ->> 'timeout_ms' AS timeout_ms,
    CAST(coalesce(context ->> 'correlation', id) AS TEXT) AS correlation";

/// Nobody else writes between the look and the insertion: it is one transaction.
pub(super) fn create(tx: &Tx, task: &NewTask) -> Result<Created, Error> {
    if let Some(key) = &task.unique_key
        && let Some(twin) = twin(tx, &task.kind, key)?
    {
        let changed = change(tx, twin, task)?;
        return Ok(if changed {
            Created::Changed(twin)
        } else {
            Created::Existing(twin)
        });
    }
    bounded_kinds::check_room(tx, &task.kind)?;
    Ok(Created::New(insert(tx, task)?))
}

/// The task that has this key.
fn twin(tx: &Tx, kind: &str, key: &str) -> Result<Option<i64>, Error> {
    let twin = "SELECT id FROM tasks WHERE task_kind = ?1 AND unique_key = ?2
                AND status IN ('waiting', 'running')";
    let mut twin = tx.prepare_cached(twin)?;
    Ok(twin.query_one((kind, key), |row| row.get(0)).optional()?)
}

/// The other task that has the key of this one.
pub(super) fn twin_of(tx: &Tx, id: i64) -> Result<Option<i64>, Error> {
    let twin = "SELECT twin.id FROM tasks JOIN tasks AS twin USING (task_kind, unique_key)
                WHERE tasks.id = ?1 AND twin.id <> ?1 AND twin.status IN ('waiting', 'running')";
    let mut twin = tx.prepare_cached(twin)?;
    Ok(twin.query_one([id], |row| row.get(0)).optional()?)
}

/// Says whether it is: not unless it waits.
fn change(tx: &Tx, id: i64, new: &NewTask) -> Result<bool, Error> {
    let (parameters, scheduled_at) = match new.if_exists {
        IfExists::Keep => return Ok(false),
        IfExists::Replace => (Some(new.parameters.to_string()), None),
        IfExists::Move => (None, Some(new.scheduled_at.unwrap_or(tx.now))),
    };
    let update = "UPDATE tasks SET task_parameters = coalesce(?2, task_parameters),
                  scheduled_at = coalesce(?3, scheduled_at), updated_at = ?4
                  WHERE id = ?1 AND status = 'waiting'";
    let mut update = tx.prepare_cached(update)?;
    let (at, now) = (
        scheduled_at.map(Timestamp::as_millisecond),
        tx.now.as_millisecond(),
    );
    Ok(update.execute((id, parameters, at, now))? == 1)
}

fn insert(tx: &Tx, task: &NewTask) -> Result<i64, Error> {
    let insert = "INSERT INTO tasks
                  (task_kind, task_parameters, scheduled_at, created_at, updated_at, context,
                   priority, unique_key, concurrency_key)
                  VALUES (?1, ?2, ?3, ?4, ?4,
                          json_patch('{}', json_object('correlation', ?5, 'parent', ?6,
                                                       'timeout_ms', ?8)), ?7, ?9, ?10)";
    let mut insert = tx.prepare_cached(insert)?;
    let parameters = task.parameters.to_string();
    let scheduled_at = task.scheduled_at.unwrap_or(tx.now).as_millisecond();
    let now = tx.now.as_millisecond();
    let (correlation, parent) = (&task.correlation, task.parent);
    let timeout = task
        .timeout
        .map(|limit| i64::try_from(limit.as_millis()).unwrap_or(i64::MAX));
    Ok(insert.insert((
        &task.kind,
        parameters,
        scheduled_at,
        now,
        correlation,
        parent,
        task.priority.as_str(),
        timeout,
        &task.unique_key,
        &task.concurrency_key,
    ))?)
}

/// A task that waits, and before which no other of its kind and priority comes.
#[derive(Debug, Clone, Copy)]
pub(super) struct First {
    pub priority: Priority,
    pub scheduled_at: i64,
    /// When the rate of its kind lets it start, if that is later.
    pub startable_at: i64,
    pub id: i64,
    /// Whether as many tasks of its kind and key run as may.
    pub full: bool,
}

/// Searches each kind and priority, so that the index leads to the first task of each. As long as a
/// kind is paused, it is as if none of its tasks waited.
pub(super) fn first_waiting(
    sql: &Connection,
    kinds: &[String],
    now: Timestamp,
) -> Result<Vec<First>, Error> {
    let kinds = waiting_among(sql, kinds)?;
    let first = "SELECT scheduled_at, id, concurrency_key NOT NULL AND coalesce(
                     (SELECT max_running FROM limited_keys WHERE task_kind = ?1) <=
                     (SELECT count(*) FROM tasks AS others WHERE others.status = 'running'
                      AND others.task_kind = ?1
                      AND others.concurrency_key = tasks.concurrency_key), 0),
                     max(scheduled_at, coalesce(
                         (SELECT last_start_at + interval_ms FROM rated_kinds
                          WHERE task_kind = ?1 AND last_start_at <= ?3
                          AND last_start_at + interval_ms > ?3), scheduled_at))
                 FROM tasks
                 WHERE status = 'waiting' AND held = 0 AND task_kind = ?1 AND priority = ?2
                 ORDER BY scheduled_at, id LIMIT 1";
    let mut first = sql.prepare_cached(first)?;
    let paused = "SELECT 1 FROM paused_kinds WHERE task_kind = ?1";
    let mut paused = sql.prepare_cached(paused)?;
    let mut found = Vec::new();
    for kind in kinds {
        if paused.exists([kind])? {
            continue;
        }
        for priority in Priority::ALL {
            let task = first.query_one((kind, priority.as_str(), now.as_millisecond()), |row| {
                Ok(First {
                    priority,
                    scheduled_at: row.get(0)?,
                    id: row.get(1)?,
                    full: row.get(2)?,
                    startable_at: row.get(3)?,
                })
            });
            found.extend(task.optional()?);
        }
    }
    Ok(found)
}

/// Those of these kinds of which tasks wait. Where none of a kind does, the index leads to the next
/// one of which some do: those between them aren't searched for.
fn waiting_among<'a>(sql: &Connection, kinds: &'a [String]) -> Result<Vec<&'a String>, Error> {
    let next = "SELECT min(task_kind) FROM tasks WHERE status = 'waiting' AND task_kind >= ?1";
    let mut next = sql.prepare_cached(next)?;
    let mut kinds: Vec<_> = kinds.iter().collect();
    kinds.sort();
    let (mut found, mut waiting) = (Vec::new(), Vec::new());
    for kind in kinds {
        if waiting.as_slice() < kind.as_bytes() {
            let next: Option<Vec<u8>> = next.query_one([kind], |row| {
                let next = row.get_ref(0)?.as_bytes_or_null()?;
                Ok(next.map(<[u8]>::to_vec))
            })?;
            let Some(next) = next else { break };
            waiting = next;
        }
        if waiting == kind.as_bytes() {
            found.push(kind);
        }
    }
    Ok(found)
}

/// The same, once those that come first, but whose key is full, are held: some of them, if they are many,
/// since the others wait for their turns meanwhile.
pub(super) fn first_startable(tx: &Tx, kinds: &[String]) -> Result<Vec<First>, Error> {
    let mut hold = tx.prepare_cached("UPDATE tasks SET held = 1 WHERE id = ?1")?;
    let mut waiting = first_waiting(tx, kinds, tx.now)?;
    for _ in 0..HELD {
        let full = |first: &&First| first.full && time(first.scheduled_at) <= tx.now;
        let Some(first) = waiting.iter().find(full) else {
            break;
        };
        hold.execute([first.id])?;
        waiting = first_waiting(tx, kinds, tx.now)?;
    }
    Ok(waiting)
}

/// Whether a task of these kinds is held, unless its kind is paused: it is due.
pub(super) fn any_held(sql: &Connection, kinds: &[String]) -> Result<bool, Error> {
    let held = "SELECT 1 FROM json_each(?1) CROSS JOIN tasks ON task_kind = value AND held = 1
                WHERE value NOT IN (SELECT task_kind FROM paused_kinds)";
    let mut held = sql.prepare_cached(held)?;
    Ok(held.exists([json!(kinds).to_string()])?)
}

/// When the next one may start, or might have.
pub(super) fn next(waiting: &[First]) -> Option<Timestamp> {
    waiting.iter().map(|first| time(first.startable_at)).min()
}

pub(super) fn find(tx: &Tx, id: i64, execution: i64) -> Result<Task, Error> {
    let find =
        format!("SELECT task_kind, task_parameters, tick, {CONTEXT} FROM tasks WHERE id = ?1");
    let task = tx.prepare_cached(&find)?.query_one([id], |row| {
        Ok(Task {
            id,
            execution,
            kind: text(row.get_ref("task_kind")?),
            parameters: json(row.get_ref("task_parameters")?),
            retries: retries(row)?,
            correlation: text(row.get_ref("correlation")?),
            parent: row.get_ref("parent")?.as_i64().ok(),
            timeout: timeout_ms(row)?.map(Duration::from_millis),
            tick: row.get::<_, Option<_>>("tick")?.map(time),
        })
    });
    Ok(task?)
}

/// Searches each kind that comes after the one before: the tasks are not read one by one.
pub(super) const WAITING_KINDS: &str = "kinds (kind) AS (
                     SELECT min(task_kind) FROM tasks WHERE status = 'waiting'
                     UNION ALL
                     SELECT (SELECT min(task_kind) FROM tasks
                             WHERE status = 'waiting' AND task_kind > kind)
                     FROM kinds WHERE kind NOT NULL
                 )";

pub(super) fn waiting_kinds(sql: &Connection) -> Result<Vec<String>, Error> {
    let kinds =
        format!("WITH RECURSIVE {WAITING_KINDS} SELECT kind FROM kinds WHERE kind NOT NULL");
    let mut kinds = sql.prepare_cached(&kinds)?;
    let kinds = kinds.query_map([], |row| Ok(text(row.get_ref(0)?)))?;
    Ok(kinds.collect::<Result<_, _>>()?)
}

pub(super) fn mark_running(
    tx: &Tx,
    id: i64,
    instance: &str,
    engine: Option<i64>,
) -> Result<(), Error> {
    let update = "UPDATE tasks SET status = 'running', instance = ?2, engine_id = ?4,
                  updated_at = ?3 WHERE id = ?1";
    let mut update = tx.prepare_cached(update)?;
    update.execute((id, instance, tx.now.as_millisecond(), engine))?;
    Ok(())
}

/// Without an execution: it couldn't be started.
pub(super) fn mark_failed(tx: &Tx, id: i64) -> Result<(), Error> {
    let update = "UPDATE tasks SET status = 'failed', instance = NULL, engine_id = NULL,
                  updated_at = ?2 WHERE id = ?1";
    tx.prepare_cached(update)?
        .execute((id, tx.now.as_millisecond()))?;
    Ok(())
}

/// A task that an engine has left running.
#[derive(Debug)]
pub(crate) struct Stranded {
    pub id: i64,
    pub engine: i64,
    pub name: String,
    pub max_crashes: i64,
}

/// Searches the engines that run tasks, each after the one before, then the known kinds of each: its
/// tasks are not read one by one, nor are those of the engines that are alive.
pub(super) fn stranded(
    tx: &Tx,
    judge: i64,
    max_crashes: &Value,
    refused: &[i64],
) -> Result<Vec<Stranded>, Error> {
    let stranded = "WITH RECURSIVE runners (runner) AS (
                        SELECT min(engine_id) FROM tasks WHERE status = 'running'
                        UNION ALL
                        SELECT (SELECT min(engine_id) FROM tasks
                                WHERE status = 'running' AND engine_id > runner)
                        FROM runners WHERE runner NOT NULL
                    )
                    SELECT tasks.id, runner, instance, value
                    FROM runners LEFT JOIN engines ON engines.id = runner
                    CROSS JOIN json_each(?1)
                    CROSS JOIN tasks ON tasks.status = 'running'
                    AND engine_id = runner AND task_kind = key
                    WHERE engines.status IS NOT 'alive' AND runner <> ?3
                    AND tasks.id NOT IN (SELECT value FROM json_each(?4)) LIMIT ?2";
    let mut stranded = tx.prepare_cached(stranded)?;
    let (max_crashes, refused) = (max_crashes.to_string(), json!(refused).to_string());
    let stranded = stranded.query_map((max_crashes, BATCH, judge, refused), |row| {
        Ok(Stranded {
            id: row.get(0)?,
            engine: row.get(1)?,
            name: text(row.get_ref(2)?),
            max_crashes: row.get(3)?,
        })
    })?;
    Ok(stranded.collect::<Result<_, _>>()?)
}

/// Those that no engine with a number runs.
pub(super) fn running(sql: &Connection, instance: &str) -> Result<Vec<i64>, Error> {
    let running = "SELECT id FROM tasks
                   WHERE status = 'running' AND instance IS nullif(?1, '')
                   AND engine_id IS NULL ORDER BY id";
    let mut running = sql.prepare_cached(running)?;
    let ids = running.query_map([instance], |row| row.get(0))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// Cancels some of these tasks, and says whether no other is left to cancel. Those that run are looked
/// at each time: one may have begun since, or have failed.
pub(super) fn cancel(tx: &Tx, which: &Which) -> Result<(Cancelled, bool), Error> {
    let condition = match which {
        Which::Task(_) => "id = ?1",
        Which::Kind(_) => "task_kind = ?1",
        Which::Correlation(_) => {
            "(context ->> 'correlation' NOT NULL AND context ->> 'correlation' = ?1
              OR id = ?1 AND CAST(id AS TEXT) = ?1 AND context ->> 'correlation' IS NULL)"
        }
    };
    let which: &dyn ToSql = match which {
        Which::Task(id) => {
            let task = record(tx, *id)?.ok_or(Error::NoTask(*id))?;
            if !["waiting", "running"].contains(&task.status.as_str()) {
                return Err(Error::Ended(*id));
            }
            id
        }
        Which::Kind(text) | Which::Correlation(text) => text,
    };
    let waiting = format!(
        "UPDATE tasks SET status = 'cancelled', updated_at = ?2 WHERE id IN
         (SELECT id FROM tasks WHERE {condition} AND status = 'waiting' LIMIT ?3)"
    );
    let running = format!(
        "UPDATE tasks SET cancel_requested_at = coalesce(cancel_requested_at, ?2)
         WHERE {condition} AND status = 'running'"
    );
    let now = tx.now.as_millisecond();
    let mut update = tx.prepare_cached(&waiting)?;
    let waiting = update.execute(params![which, now, CANCELLED])?;
    let running = tx.prepare_cached(&running)?.execute((which, now))?;
    Ok((Cancelled { waiting, running }, waiting < CANCELLED))
}

pub(super) fn is_cancelled(sql: &Connection, id: i64) -> Result<bool, Error> {
    let cancelled = "SELECT 1 FROM tasks WHERE id = ?1 AND cancel_requested_at NOT NULL";
    Ok(sql.prepare_cached(cancelled)?.exists([id])?)
}

/// Executions, not tasks: one that was cancelled may have been put back meanwhile.
pub(super) fn cancelled_executions(sql: &Connection, engine: i64) -> Result<Vec<i64>, Error> {
    let cancelled = "SELECT max(task_executions.id) FROM tasks JOIN task_executions
                     ON task_id = tasks.id WHERE tasks.status = 'running' AND engine_id = ?1
                     AND cancel_requested_at NOT NULL GROUP BY tasks.id";
    let mut cancelled = sql.prepare_cached(cancelled)?;
    let cancelled = cancelled.query_map([engine], |row| row.get(0))?;
    Ok(cancelled.collect::<Result<_, _>>()?)
}

/// Unless it isn't running any more, or is running again.
pub(super) fn mark_ended(
    tx: &Tx,
    task: &Task,
    status: TaskStatus,
    at: Option<Timestamp>,
    retries: Option<u32>,
) -> Result<Ending, Error> {
    let update = "UPDATE tasks SET status = ?4, updated_at = ?3,
                  instance = iif(?5 NOT NULL, NULL, instance),
                  engine_id = iif(?5 NOT NULL, NULL, engine_id),
                  scheduled_at = coalesce(?5, scheduled_at),
                  context = iif(?6 NOT NULL, json_set(context, '$.retry_number', ?6), context)
                  WHERE id = ?1 AND status = 'running'
                  AND ?2 = (SELECT max(id) FROM task_executions WHERE task_id = ?1)";
    let mut update = tx.prepare_cached(update)?;
    let now = tx.now.as_millisecond();
    let at = at.map(Timestamp::as_millisecond);
    let changes = (task.id, task.execution, now, status.as_str(), at, retries);
    Ok(Ending::of(update.execute(changes)? == 1))
}

/// Due now; with all its retries to come, unless it waits for one of them.
pub(super) fn put_back(tx: &Tx, id: i64) -> Result<(), Error> {
    let update = "UPDATE tasks SET status = 'waiting', instance = NULL, engine_id = NULL,
                  scheduled_at = ?2, cancel_requested_at = NULL,
                  context = iif(status = 'waiting', context,
                                json_remove(context, '$.retry_number', '$.crash_number')),
                  updated_at = ?2 WHERE id = ?1";
    let mut update = tx.prepare_cached(update)?;
    update.execute((id, tx.now.as_millisecond()))?;
    Ok(())
}

/// To be executed again, unless it was cancelled, or is there each time its engine is killed: says what
/// it is now.
pub(super) fn put_back_stranded(tx: &Tx, id: i64, crashes: i64) -> Result<TaskStatus, Error> {
    let update = "WITH crashed AS (
                      SELECT coalesce(context ->> 'crash_number', 0) + 1 AS number
                      FROM tasks WHERE id = ?1
                  )
                  UPDATE tasks SET status = iif(cancel_requested_at NOT NULL, 'cancelled',
                                                iif(number > ?3, 'failed', 'waiting')),
                  instance = NULL, engine_id = NULL, scheduled_at = ?2, updated_at = ?2,
                  context = json_set(context, '$.crash_number', number)
                  FROM crashed WHERE id = ?1 RETURNING status";
    let mut update = tx.prepare_cached(update)?;
    let now = tx.now.as_millisecond();
    let status: String = update.query_one((id, now, crashes), |row| row.get(0))?;
    status.parse()
}

/// As if it hadn't been acquired, unless it isn't ours any more. It keeps its place.
pub(super) fn give_back(tx: &Tx, task: &Task) -> Result<(), Error> {
    let update = "UPDATE tasks SET instance = NULL, engine_id = NULL, updated_at = ?3,
                  status = iif(cancel_requested_at NOT NULL, 'cancelled', 'waiting')
                  WHERE id = ?1 AND status = 'running'
                  AND ?2 = (SELECT max(id) FROM task_executions WHERE task_id = ?1)";
    let mut update = tx.prepare_cached(update)?;
    if update.execute((task.id, task.execution, tx.now.as_millisecond()))? == 1 {
        let delete = "DELETE FROM task_executions WHERE id = ?1";
        tx.prepare_cached(delete)?.execute([task.execution])?;
    }
    Ok(())
}

/// Due now, and as if it hadn't run: its engine has cut it short, and is none the worse for it.
pub(super) fn release(tx: &Tx, engine: i64) -> Result<Vec<i64>, Error> {
    let update = "UPDATE tasks
                  SET status = iif(cancel_requested_at NOT NULL, 'cancelled', 'waiting'),
                  instance = NULL, engine_id = NULL, scheduled_at = ?2, updated_at = ?2
                  WHERE status = 'running' AND engine_id = ?1 RETURNING id";
    let mut update = tx.prepare_cached(update)?;
    let released = update.query_map((engine, tx.now.as_millisecond()), |row| row.get(0))?;
    Ok(released.collect::<Result<_, _>>()?)
}

/// Those that have ended before this time, after the last one that was found: when, and which.
pub(super) fn ended(
    sql: &Connection,
    status: TaskStatus,
    last: (i64, i64),
    before: Timestamp,
    limit: i64,
) -> Result<Vec<(i64, i64)>, Error> {
    let ended = "SELECT updated_at, id FROM tasks
                 WHERE status = ?1 AND status NOT IN ('waiting', 'running')
                 AND (updated_at, id) > (?2, ?3) AND updated_at < ?4
                 ORDER BY updated_at, id LIMIT ?5";
    let (mut ended, before) = (sql.prepare_cached(ended)?, before.as_millisecond());
    let values = params![status.as_str(), last.0, last.1, before, limit];
    let ended = ended.query_map(values, |row| row.try_into())?;
    Ok(ended.collect::<Result<_, _>>()?)
}

/// Those that are still as they were found: says how many, and how long it took.
pub(super) fn delete(tx: &Tx, found: &[(i64, i64)]) -> Result<(usize, Duration), Error> {
    let delete = "DELETE FROM tasks WHERE updated_at = ?1 AND id = ?2
                  AND status NOT IN ('waiting', 'running')";
    let (mut delete, begun_at, mut deleted) = (tx.prepare_cached(delete)?, Instant::now(), 0);
    for task in found {
        deleted += delete.execute(*task)?;
    }
    Ok((deleted, begun_at.elapsed()))
}

pub(super) fn record(sql: &Connection, id: i64) -> Result<Option<TaskRecord>, Error> {
    let task = format!("SELECT *, {CONTEXT} FROM tasks WHERE id = ?1");
    let task = sql.prepare_cached(&task)?.query_one([id], read);
    Ok(task.optional()?)
}

/// What isn't in the index of those that wait, or run, isn't read. The executed tasks have none: the
/// last ones are near the end of the table.
pub(super) fn list(sql: &Connection, filter: Filter, limit: u32) -> Result<Vec<TaskRecord>, Error> {
    let chosen = match filter {
        Filter::All => String::new(),
        Filter::Status(status) => {
            let index = match status {
                TaskStatus::Waiting => "INDEXED BY waiting_tasks",
                TaskStatus::Running => "INDEXED BY running_tasks",
                TaskStatus::Stopped => "",
                TaskStatus::Failed => "INDEXED BY failed_tasks",
                TaskStatus::Cancelled => "INDEXED BY cancelled_tasks",
            };
            format!("{index} WHERE status = '{status}'")
        }
        Filter::Retrying => "INDEXED BY retrying_tasks
             WHERE status = 'waiting' AND context ->> 'retry_number' NOT NULL"
            .to_owned(),
    };
    let tasks = format!(
        "SELECT *, {CONTEXT} FROM tasks WHERE id IN
         (SELECT id FROM tasks {chosen} ORDER BY id DESC LIMIT ?1) ORDER BY id DESC"
    );
    let mut tasks = sql.prepare_cached(&tasks)?;
    let tasks = tasks.query_map([limit], read)?;
    Ok(tasks.collect::<Result<_, _>>()?)
}

/// Those that have this id, and the one whose number it is, if it was given none.
pub(super) fn correlated(sql: &Connection, correlation: &str) -> Result<Vec<TaskRecord>, Error> {
    let tasks = format!(
        "SELECT *, {CONTEXT} FROM tasks
         WHERE context ->> 'correlation' NOT NULL AND context ->> 'correlation' = ?1
         UNION ALL SELECT *, {CONTEXT} FROM tasks
         WHERE id = ?1 AND CAST(id AS TEXT) = ?1 AND context ->> 'correlation' IS NULL"
    );
    let mut tasks = sql.prepare_cached(&tasks)?;
    let tasks = tasks.query_map([correlation], read)?;
    Ok(tasks.collect::<Result<_, _>>()?)
}

fn read(row: &Row) -> rusqlite::Result<TaskRecord> {
    Ok(TaskRecord {
        id: row.get("id")?,
        status: text(row.get_ref("status")?),
        kind: text(row.get_ref("task_kind")?),
        parameters: json(row.get_ref("task_parameters")?),
        retries: retries(row)?,
        correlation: text(row.get_ref("correlation")?),
        parent: row.get_ref("parent")?.as_i64().ok(),
        timeout_ms: timeout_ms(row)?,
        priority: text(row.get_ref("priority")?),
        unique_key: option(row.get_ref("unique_key")?).map(text),
        concurrency_key: option(row.get_ref("concurrency_key")?).map(text),
        held: row.get("held")?,
        instance: option(row.get_ref("instance")?).map(text),
        scheduled_at: time(row.get("scheduled_at")?),
        created_at: time(row.get("created_at")?),
    })
}

/// Whatever isn't a number of milliseconds is none.
fn timeout_ms(row: &Row) -> rusqlite::Result<Option<u64>> {
    let milliseconds = row.get_ref("timeout_ms")?.as_i64().ok();
    Ok(milliseconds.and_then(|limit| limit.try_into().ok()))
}

/// Whatever isn't a number of retries is none. SQLite reads it, as it writes it: other programs have
/// theirs in the same object, which may be beyond what others can read.
fn retries(row: &Row) -> rusqlite::Result<u32> {
    let ValueRef::Integer(number) = row.get_ref("retry_number")? else {
        return Ok(0);
    };
    Ok(number.max(0).try_into().unwrap_or(u32::MAX))
}
