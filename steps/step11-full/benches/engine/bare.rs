//! The yardstick: the statements of the engine, one after the other on one connection.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension, Result, Transaction, TransactionBehavior};
use task_engine::Store;

pub struct Bare {
    connection: Connection,
}

impl Bare {
    /// The settings are those of the store, which makes the tables, but for `synchronous`.
    pub fn open(path: &Path, synchronous: &str) -> anyhow::Result<Self> {
        drop(Store::open(path)?);
        let mut connection = Connection::open(path)?;
        connection.set_transaction_behavior(TransactionBehavior::Immediate);
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "synchronous", synchronous)?;
        Ok(Self { connection })
    }

    /// Creates so many tasks, with transactions of so many.
    pub fn create(&mut self, tasks: u32, batch: u32) -> Result<Duration> {
        let start = Instant::now();
        for _ in 0..tasks / batch {
            let tx = self.connection.transaction()?;
            for _ in 0..batch {
                create(&tx)?;
            }
            tx.commit()?;
        }
        Ok(start.elapsed())
    }

    /// Executes all the tasks, which do nothing, with transactions of so many.
    pub fn execute(&mut self, batch: u32) -> Result<Duration> {
        let start = Instant::now();
        loop {
            let tx = self.connection.transaction()?;
            let mut tasks = Vec::new();
            while tasks.len() < batch as usize
                && let Some(task) = acquire(&tx)?
            {
                tasks.push(task);
            }
            tx.commit()?;
            if tasks.is_empty() {
                return Ok(start.elapsed());
            }
            let tx = self.connection.transaction()?;
            for task in tasks {
                end(&tx, task)?;
            }
            tx.commit()?;
        }
    }

    /// Acquires all the tasks one by one, then, out of this time, ends them.
    pub fn acquire_all(&mut self) -> Result<Duration> {
        let mut tasks = Vec::new();
        let start = Instant::now();
        loop {
            let tx = self.connection.transaction()?;
            let Some(task) = acquire(&tx)? else { break };
            tx.commit()?;
            tasks.push(task);
        }
        let time = start.elapsed();
        let tx = self.connection.transaction()?;
        for task in tasks {
            end(&tx, task)?;
        }
        tx.commit()?;
        Ok(time)
    }
}

const KINDS: &str = r#"["nothing"]"#;

fn create(tx: &Transaction) -> Result<()> {
    tx.prepare_cached(
        "INSERT INTO tasks (task_kind, task_parameters, scheduled_at, created_at, updated_at)
         VALUES (?1, ?2, coalesce(?3, ?4), ?4, ?4)",
    )?
    .execute(("nothing", "{}", None::<i64>, now()))?;
    Ok(())
}

fn acquire(tx: &Transaction) -> Result<Option<i64>> {
    let now = now();
    let task = tx
        .prepare_cached(
            "SELECT id, task_kind, task_parameters FROM tasks
             WHERE status = 'waiting' AND task_kind IN (SELECT value FROM json_each(?1))
             AND scheduled_at <= ?2 ORDER BY scheduled_at, id LIMIT 1",
        )?
        .query_one((KINDS, now), |row| row.get(0))
        .optional()?;
    let Some(task) = task else { return Ok(None) };
    tx.prepare_cached(
        "UPDATE tasks SET status = 'running', instance = ?2, updated_at = ?3 WHERE id = ?1",
    )?
    .execute((task, "bare", now))?;
    tx.prepare_cached(
        "INSERT INTO task_executions (task_id, started_at, created_at, updated_at)
         VALUES (?1, ?2, ?2, ?2)",
    )?
    .execute((task, now))?;
    Ok(Some(task))
}

fn end(tx: &Transaction, task: i64) -> Result<()> {
    let now = now();
    let _retries: i64 = tx
        .prepare_cached(
            "SELECT coalesce(context ->> 'retry_number', 0) FROM tasks
             WHERE id = ?1 AND status = 'running'",
        )?
        .query_one([task], |row| row.get(0))?;
    tx.prepare_cached(
        "UPDATE task_executions
         SET stopped_at = ?2, status = ?3, result = ?4, error = ?5, updated_at = ?2
         WHERE id = (SELECT max(id) FROM task_executions WHERE task_id = ?1)",
    )?
    .execute((task, now, "success", "null", None::<String>))?;
    tx.prepare_cached("UPDATE tasks SET status = ?2, updated_at = ?3 WHERE id = ?1")?
        .execute((task, "stopped", now))?;
    Ok(())
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
