//! The table `tasks`.

use jiff::Timestamp;
use rusqlite::types::FromSqlError;
use rusqlite::{OptionalExtension, Result, Row, Transaction};

use super::json;
use crate::clock::timestamp;
use crate::{NewTask, Task, TaskRecord, TaskStatus};

pub(super) fn insert(tx: &Transaction, task: &NewTask, now: i64) -> Result<i64> {
    tx.prepare_cached(
        "INSERT INTO tasks (task_kind, task_parameters, scheduled_at, created_at, updated_at)
         VALUES (?1, ?2, coalesce(?3, ?4), ?4, ?4)",
    )?
    .insert((
        &task.kind,
        &task.parameters,
        task.scheduled_at.map(Timestamp::as_millisecond),
        now,
    ))
}

/// The kinds are a JSON array: `SQLite` has no other way to bind a list.
pub(super) fn oldest_waiting(tx: &Transaction, kinds: &str, now: i64) -> Result<Option<Task>> {
    tx.prepare_cached(
        "SELECT id, task_kind, task_parameters FROM tasks
         WHERE status = 'waiting' AND task_kind IN (SELECT value FROM json_each(?1))
         AND scheduled_at <= ?2 ORDER BY scheduled_at, id LIMIT 1",
    )?
    .query_one((kinds, now), |row| {
        Ok(Task {
            id: row.get(0)?,
            kind: row.get(1)?,
            parameters: row.get(2)?,
        })
    })
    .optional()
}

/// When the first waiting task of these kinds is due.
pub(super) fn next_schedule(tx: &Transaction, kinds: &str) -> Result<Option<i64>> {
    tx.prepare_cached(
        "SELECT scheduled_at FROM tasks
         WHERE status = 'waiting' AND task_kind IN (SELECT value FROM json_each(?1))
         ORDER BY scheduled_at, id LIMIT 1",
    )?
    .query_one([kinds], |row| row.get(0))
    .optional()
}

pub(super) fn count_due(tx: &Transaction, kinds: &str, now: i64) -> Result<u64> {
    tx.prepare_cached(
        "SELECT count(*) FROM tasks
         WHERE status = 'waiting' AND task_kind IN (SELECT value FROM json_each(?1))
         AND scheduled_at <= ?2",
    )?
    .query_one((kinds, now), |row| row.get(0))
}

pub(super) fn waiting_kinds(tx: &Transaction) -> Result<Vec<(String, usize)>> {
    tx.prepare_cached(
        "SELECT task_kind, count(*) FROM tasks WHERE status = 'waiting' GROUP BY task_kind",
    )?
    .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
    .collect()
}

pub(super) fn mark_running(tx: &Transaction, id: i64, instance: &str, now: i64) -> Result<()> {
    tx.prepare_cached(
        "UPDATE tasks SET status = 'running', instance = ?2, updated_at = ?3 WHERE id = ?1",
    )?
    .execute((id, instance, now))?;
    Ok(())
}

pub(super) fn running(tx: &Transaction, instance: &str) -> Result<Vec<i64>> {
    tx.prepare_cached(
        "SELECT id FROM tasks WHERE status = 'running' AND instance = ?1 ORDER BY id",
    )?
    .query_map([instance], |row| row.get(0))?
    .collect()
}

/// How many times a running task was retried; `None` if there is no such task.
pub(super) fn retries(tx: &Transaction, id: i64) -> Result<Option<u32>> {
    tx.prepare_cached(
        "SELECT coalesce(context ->> 'retry_number', 0) FROM tasks
         WHERE id = ?1 AND status = 'running'",
    )?
    .query_one([id], |row| row.get(0))
    .optional()
}

pub(super) fn mark_ended(tx: &Transaction, id: i64, status: TaskStatus, now: i64) -> Result<()> {
    tx.prepare_cached("UPDATE tasks SET status = ?2, updated_at = ?3 WHERE id = ?1")?
        .execute((id, status.as_str(), now))?;
    Ok(())
}

/// Due now, with all its retries to come.
pub(super) fn mark_waiting_anew(tx: &Transaction, id: i64, now: i64) -> Result<()> {
    tx.prepare_cached(
        "UPDATE tasks SET status = 'waiting', instance = NULL, scheduled_at = ?2,
         context = json_remove(context, '$.retry_number'), updated_at = ?2 WHERE id = ?1",
    )?
    .execute((id, now))?;
    Ok(())
}

/// Due now, with the retries that it had left: that its engine was killed is no fault of its own.
pub(super) fn mark_waiting_again(tx: &Transaction, id: i64, now: i64) -> Result<()> {
    tx.prepare_cached(
        "UPDATE tasks SET status = 'waiting', instance = NULL, scheduled_at = ?2, updated_at = ?2
         WHERE id = ?1",
    )?
    .execute((id, now))?;
    Ok(())
}

pub(super) fn mark_waiting_for_retry(
    tx: &Transaction,
    id: i64,
    retry_number: u32,
    at: i64,
    now: i64,
) -> Result<()> {
    tx.prepare_cached(
        "UPDATE tasks SET status = 'waiting', instance = NULL, scheduled_at = ?3,
         context = json_set(context, '$.retry_number', ?2), updated_at = ?4 WHERE id = ?1",
    )?
    .execute((id, retry_number, at, now))?;
    Ok(())
}

pub(super) fn count(tx: &Transaction, status: TaskStatus) -> Result<usize> {
    tx.prepare_cached("SELECT count(*) FROM tasks WHERE status = ?1")?
        .query_one([status.as_str()], |row| row.get(0))
}

pub(super) fn find(tx: &Transaction, id: i64) -> Result<Option<TaskRecord>> {
    tx.prepare_cached(
        "SELECT *, coalesce(context ->> 'retry_number', 0) AS retries FROM tasks WHERE id = ?1",
    )?
    .query_one([id], record)
    .optional()
}

pub(super) fn list(
    tx: &Transaction,
    status: Option<TaskStatus>,
    limit: u32,
) -> Result<Vec<TaskRecord>> {
    tx.prepare_cached(
        "SELECT *, coalesce(context ->> 'retry_number', 0) AS retries FROM tasks
         WHERE ?1 IS NULL OR status = ?1 ORDER BY id DESC LIMIT ?2",
    )?
    .query_map((status.map(TaskStatus::as_str), limit), record)?
    .collect()
}

fn record(row: &Row) -> Result<TaskRecord> {
    let status = row.get_ref("status")?.as_str()?;
    Ok(TaskRecord {
        id: row.get("id")?,
        status: status.parse().map_err(FromSqlError::other)?,
        kind: row.get("task_kind")?,
        parameters: json(row.get("task_parameters")?),
        instance: row.get("instance")?,
        retries: row.get("retries")?,
        scheduled_at: timestamp(row.get("scheduled_at")?),
        created_at: timestamp(row.get("created_at")?),
        updated_at: timestamp(row.get("updated_at")?),
    })
}
