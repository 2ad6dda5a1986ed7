//! The yardstick: the statements without which no task is executed, one after the other on one
//! connection. It looks at one kind and one priority, which nothing pauses or limits.

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
        for first in (0..tasks).step_by(batch as usize) {
            let tx = self.connection.transaction()?;
            for _ in first..tasks.min(first + batch) {
                create(&tx)?;
            }
            tx.commit()?;
        }
        Ok(start.elapsed())
    }

    /// Executes all the tasks, which do nothing, with transactions of so many, each in a savepoint or
    /// not.
    pub fn execute(&mut self, batch: u32, savepoint: bool) -> Result<Duration> {
        let start = Instant::now();
        loop {
            let tx = self.connection.transaction()?;
            let tasks = protect(&tx, savepoint, |tx| {
                let mut tasks = Vec::new();
                while tasks.len() < batch as usize
                    && let Some(task) = acquire(tx)?
                {
                    tasks.push(task);
                }
                Ok(tasks)
            })?;
            tx.commit()?;
            if tasks.is_empty() {
                return Ok(start.elapsed());
            }
            let tx = self.connection.transaction()?;
            protect(&tx, savepoint, |tx| {
                tasks.into_iter().try_for_each(|task| end(tx, task))
            })?;
            tx.commit()?;
        }
    }

    /// Does the same with one transaction a task, which ends the one before, too.
    pub fn execute_chained(&mut self) -> Result<Duration> {
        let start = Instant::now();
        let mut running = None;
        loop {
            let tx = self.connection.transaction()?;
            if let Some(task) = running {
                end(&tx, task)?;
            }
            running = acquire(&tx)?;
            tx.commit()?;
            if running.is_none() {
                return Ok(start.elapsed());
            }
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

fn protect<T>(
    tx: &Transaction,
    savepoint: bool,
    work: impl FnOnce(&Transaction) -> Result<T>,
) -> Result<T> {
    if !savepoint {
        return work(tx);
    }
    tx.prepare_cached("SAVEPOINT one_of_many")?.execute([])?;
    let done = work(tx)?;
    tx.prepare_cached("RELEASE one_of_many")?.execute([])?;
    Ok(done)
}

fn create(tx: &Transaction) -> Result<()> {
    let insert =
        "INSERT INTO tasks (task_kind, task_parameters, scheduled_at, created_at, updated_at)
                  VALUES (?1, ?2, ?3, ?4, ?4)";
    let now = now();
    tx.prepare_cached(insert)?
        .insert(("nothing", "{}", now, now))?;
    Ok(())
}

/// The number of the task, and that of its execution.
fn acquire(tx: &Transaction) -> Result<Option<(i64, i64)>> {
    let Some(task) = first_waiting(tx)? else {
        return Ok(None);
    };
    let now = now();
    let update =
        "UPDATE tasks SET status = 'running', instance = ?2, updated_at = ?3 WHERE id = ?1";
    tx.prepare_cached(update)?.execute((task, "bare", now))?;
    let insert = "INSERT INTO task_executions (task_id, started_at, created_at, updated_at)
                  VALUES (?1, ?2, ?2, ?2)";
    let execution = tx.prepare_cached(insert)?.insert((task, now))?;
    let find = "SELECT task_kind, task_parameters, context FROM tasks WHERE id = ?1";
    tx.prepare_cached(find)?
        .query_one([task], |row| row.get::<_, String>(0))?;
    // When to wake up next.
    first_waiting(tx)?;
    Ok(Some((task, execution)))
}

fn first_waiting(tx: &Transaction) -> Result<Option<i64>> {
    let first = "SELECT scheduled_at, id FROM tasks
                 WHERE status = 'waiting' AND held = 0 AND task_kind = ?1 AND priority = 'normal'
                 ORDER BY scheduled_at, id LIMIT 1";
    let mut first = tx.prepare_cached(first)?;
    first.query_one(["nothing"], |row| row.get(1)).optional()
}

fn end(tx: &Transaction, (task, execution): (i64, i64)) -> Result<()> {
    let now = now();
    let update = "UPDATE tasks SET status = ?4, updated_at = ?3,
                  instance = iif(?5 NOT NULL, NULL, instance),
                  scheduled_at = coalesce(?5, scheduled_at),
                  context = iif(?5 NOT NULL, json_set(context, '$.retry_number', ?6), context)
                  WHERE id = ?1 AND status = 'running'
                  AND ?2 = (SELECT max(id) FROM task_executions WHERE task_id = ?1)";
    let changes = (task, execution, now, "stopped", None::<i64>, 1);
    tx.prepare_cached(update)?.execute(changes)?;
    let update = "UPDATE task_executions
                  SET stopped_at = ?2, status = ?3, result = ?4, error = ?5, updated_at = ?2
                  WHERE id = ?1";
    let changes = (execution, now, "success", "null", None::<String>);
    tx.prepare_cached(update)?.execute(changes)?;
    Ok(())
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
