//! How many tasks a second the persistent engine handles, beside a bare loop that sends the same
//! SQL through one connection with the same settings: `throughput [TASKS]`.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use step03_persistence::{Config, Engine, Handler, Store};
use tempfile::TempDir;

const ROUNDS: usize = 5;

#[tokio::main]
async fn main() -> Result<()> {
    let tasks: u32 = match std::env::args().nth(1) {
        Some(tasks) => tasks.parse()?,
        None => 2000,
    };
    let mut seconds = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        let round = measure(tasks).await?;
        for (all, one) in seconds.iter_mut().zip(round) {
            all.push(one);
        }
    }
    let [bare_enqueue, enqueue, bare_drain, drain] =
        seconds.map(|measures| f64::from(tasks) / median(measures));

    println!("{tasks} tasks that do nothing, median of {ROUNDS} rounds");
    println!("                          bare loop      engine   ratio");
    for (what, bare, engine) in [
        ("create one by one", bare_enqueue, enqueue),
        ("execute, 5 workers", bare_drain, drain),
    ] {
        let ratio = engine / bare;
        println!("{what:<22} {bare:>10.0}/s {engine:>9.0}/s {ratio:>7.2}");
    }
    Ok(())
}

/// The seconds of each load, the bare loop then the engine, on fresh databases.
async fn measure(tasks: u32) -> Result<[f64; 4]> {
    // Beside the program, since the usual temporary folder may be in memory.
    let folder = TempDir::new_in(".")?;
    let mut connection = bare_connection(&folder.path().join("bare.db"))?;
    let store = Store::open(folder.path().join("engine.db"))?;
    let engine = Engine::new(store.clone(), Handler::new(|_| async {}), Config::default());
    let mut clock = Instant::now();
    let mut lap = || {
        let seconds = clock.elapsed().as_secs_f64();
        clock = Instant::now();
        seconds
    };

    bare_enqueue(&mut connection, tasks)?;
    let bare_enqueued = lap();
    enqueue(&store, tasks).await?;
    let enqueued = lap();
    bare_drain(&mut connection)?;
    let bare_drained = lap();
    engine.run().await?;
    Ok([bare_enqueued, enqueued, bare_drained, lap()])
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

async fn enqueue(store: &Store, tasks: u32) -> Result<(), step03_persistence::Error> {
    for _ in 0..tasks {
        store.create_task().await?;
    }
    Ok(())
}

fn bare_connection(path: &Path) -> Result<Connection> {
    let mut connection = Connection::open(path)?;
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.execute_batch(include_str!(
        "../../../steps/step03-persistence/migrations/01_create_tasks.sql"
    ))?;
    Ok(connection)
}

fn bare_enqueue(connection: &mut Connection, tasks: u32) -> rusqlite::Result<()> {
    for _ in 0..tasks {
        let tx = connection.transaction()?;
        tx.prepare_cached("INSERT INTO tasks (created_at, updated_at) VALUES (?1, ?1)")?
            .execute([0])?;
        tx.commit()?;
    }
    Ok(())
}

fn bare_drain(connection: &mut Connection) -> rusqlite::Result<()> {
    loop {
        let tx = connection.transaction()?;
        let id: Option<i64> = tx
            .prepare_cached("SELECT id FROM tasks WHERE status = 'waiting' ORDER BY id LIMIT 1")?
            .query_one([], |row| row.get(0))
            .optional()?;
        let Some(id) = id else { return tx.commit() };
        tx.prepare_cached("UPDATE tasks SET status = 'running', updated_at = ?2 WHERE id = ?1")?
            .execute([id, 0])?;
        tx.commit()?;

        let tx = connection.transaction()?;
        tx.prepare_cached("DELETE FROM tasks WHERE id = ?1 AND status = 'running'")?
            .execute([id])?;
        tx.commit()?;
    }
}
