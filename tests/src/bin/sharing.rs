//! What several processes that drain one database do together, what a task costs them, and how long
//! somebody else waits for a turn meanwhile, also while a million old tasks are deleted: `sharing
//! PROGRAM [TASKS]`, PROGRAM being that of `retention` or of a later step.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rusqlite::{Connection, TransactionBehavior};
use tempfile::TempDir;

const ROUNDS: usize = 5;

/// How many tasks have ended long ago, and are deleted meanwhile.
const OLD: u32 = 1_000_000;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let program = arguments.next().context("usage: sharing PROGRAM [TASKS]")?;
    let program = fs::canonicalize(program)?;
    let tasks: u32 = arguments.next().map_or(Ok(20_000), |tasks| tasks.parse())?;

    let counts = [1, 2, 4, 8];
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let drains = counts.map(|count| drain(&program, count, tasks, 0));
        let mut drains = drains.into_iter().collect::<Result<Vec<_>>>()?;
        drains.push(drain(&program, 1, tasks, OLD)?);
        rounds.push(drains);
    }
    let figure = |of: &dyn Fn(&[Drain]) -> f64| median(rounds.iter().map(|round| of(round)));
    let cost = figure(&|round| round[0].cost.as_secs_f64() * 1e6 / f64::from(tasks));
    println!("processor per drained task: {cost:.0} µs");
    for (index, count) in counts.iter().enumerate().skip(1) {
        let speed = figure(&|round| {
            100.0 * round[0].elapsed.as_secs_f64() / round[index].elapsed.as_secs_f64()
        });
        println!("drain by {count} processes, of what one does: {speed:.0} %");
        let least = figure(&|round| 100.0 * round[index].least * f64::from(*count));
        let most = figure(&|round| 100.0 * round[index].most * f64::from(*count));
        println!("drain by {count} processes, smallest share of a fair one: {least:.0} %");
        println!("drain by {count} processes, largest share of a fair one: {most:.0} %");
    }
    let beside = figure(&|round| round[0].p99.as_secs_f64() * 1e3);
    println!("creation by another process beside a drain, p99: {beside:.1} ms");
    let pruning = counts.len();
    let beside = figure(&|round| round[pruning].p99.as_secs_f64() * 1e3);
    println!("creation beside a drain and the deletion of a million, p99: {beside:.1} ms");
    let speed = figure(&|round| {
        100.0 * round[0].elapsed.as_secs_f64() / round[pruning].elapsed.as_secs_f64()
    });
    println!("drain beside the deletion of a million, of what it does alone: {speed:.0} %");
    let deleted = figure(&|round| round[pruning].deleted);
    println!("deletion of a million beside a drain, tasks deleted: {deleted:.0} /s");
    Ok(())
}

/// What so many processes have done with so many tasks.
struct Drain {
    elapsed: Duration,
    /// Processor time, user and system, of all of them.
    cost: Duration,
    /// The parts of those that have done the least and the most.
    least: f64,
    most: f64,
    /// How long it took to create one more task meanwhile: 99 times in a hundred, no longer.
    p99: Duration,
    /// How many old tasks were deleted each second.
    deleted: f64,
}

/// Drains so many tasks, while so many old ones are deleted, if any.
fn drain(program: &Path, processes: u32, tasks: u32, old: u32) -> Result<Drain> {
    // Beside the program, since the usual temporary folder may be in memory.
    let folder = TempDir::new_in(".")?;
    let database = folder.path().join("task_engine.db");
    let mut engines = Vec::new();
    for process in 0..processes {
        let mut start = Command::new(program);
        start
            .args(["start", "--workers", "5"])
            .env("TASK_ENGINE_DATABASE", &database)
            .env("TASK_ENGINE_INSTANCE", format!("sharing-{process}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        engines.push(Engine(start.spawn()?));
        while !database.exists() {
            sleep(Duration::from_millis(1));
        }
    }
    let mut sql = Connection::open(&database)?;
    sql.busy_handler(Some(|_| {
        sleep(Duration::from_micros(200));
        true
    }))?;
    sql.pragma_update(None, "synchronous", "FULL")?;
    let alive = "SELECT count(*) FROM engines WHERE status = 'alive'";
    while sql.query_one(alive, [], |row| row.get(0)) != Ok(processes) {
        sleep(Duration::from_millis(1));
    }
    fill(&mut sql, old)?;
    let before = engines.iter().map(Engine::cpu_time);
    let before: Duration = before.sum::<Result<_>>()?;
    let insert = "INSERT INTO tasks (task_kind, task_parameters, created_at, updated_at)
                  VALUES ('waiting', '{\"waiting_time\": 0}', 0, 0)";
    let transaction = sql.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for _ in 0..tasks {
        transaction.prepare_cached(insert)?.execute([])?;
    }
    transaction.commit()?;

    let pruning = (old > 0).then(|| {
        let mut prune = Command::new(program);
        prune
            .args(["prune", "--older-than", "1d", "--status", "stopped"])
            .env("TASK_ENGINE_DATABASE", &database)
            .stdout(Stdio::null());
        prune.spawn().map(Engine)
    });
    let pruning = pruning.transpose()?;
    let begun_at = Instant::now();
    let left = "SELECT EXISTS (SELECT 1 FROM tasks WHERE status = 'waiting')
                OR EXISTS (SELECT 1 FROM tasks WHERE status = 'running')";
    let mut waits = Vec::new();
    while sql.query_one(left, [], |row| row.get(0))? {
        let asked_at = Instant::now();
        sql.prepare_cached(insert)?.execute([])?;
        waits.push(asked_at.elapsed());
        sleep(Duration::from_millis(5));
    }
    let elapsed = begun_at.elapsed();
    drop(pruning);
    let kept = "SELECT count(*) FROM tasks WHERE status = 'stopped' AND updated_at = 0";
    let kept: u32 = sql.query_one(kept, [], |row| row.get(0))?;
    ensure!(old == 0 || kept > 0, "they are all deleted too soon");
    let deleted = f64::from(old - kept) / elapsed.as_secs_f64();
    let after = engines.iter().map(Engine::cpu_time);
    let after: Duration = after.sum::<Result<_>>()?;

    waits.sort();
    let p99 = waits[waits.len() * 99 / 100];
    let shares = "SELECT (SELECT count(*) FROM tasks WHERE engine_id = engines.id) * 1.0
                  / (SELECT count(*) FROM tasks) AS share FROM engines ORDER BY share";
    let mut shares = sql.prepare(shares)?;
    let shares = shares.query_map([], |row| row.get(0))?;
    let shares = shares.collect::<Result<Vec<f64>, _>>()?;
    let (least, most) = (shares[0], shares[shares.len() - 1]);
    Ok(Drain {
        elapsed,
        cost: after.saturating_sub(before),
        least,
        most,
        p99,
        deleted,
    })
}

/// So many tasks that were executed long ago, once each.
fn fill(sql: &mut Connection, old: u32) -> Result<()> {
    let fill = format!(
        "BEGIN;
         WITH RECURSIVE n (n) AS (SELECT 1 WHERE {old} UNION ALL SELECT n + 1 FROM n WHERE n < {old})
         INSERT INTO tasks (status, task_kind, task_parameters, created_at, updated_at)
         SELECT 'stopped', 'waiting', '{{\"waiting_time\": 0}}', 0, 0 FROM n;
         INSERT INTO task_executions (task_id, started_at, stopped_at, status, created_at, updated_at)
         SELECT id, 0, 0, 'success', 0, 0 FROM tasks WHERE status = 'stopped';
         COMMIT"
    );
    Ok(sql.execute_batch(&fill)?)
}

/// An engine in a process of its own, killed when it is dropped.
struct Engine(Child);

impl Engine {
    /// Of all its threads.
    #[cfg(target_os = "linux")]
    fn cpu_time(&self) -> Result<Duration> {
        use nix::time::clock_getcpuclockid;
        use nix::unistd::Pid;

        let clock = clock_getcpuclockid(Pid::from_raw(i32::try_from(self.0.id())?))?;
        Ok(clock.now()?.into())
    }

    #[cfg(not(target_os = "linux"))]
    fn cpu_time(&self) -> Result<Duration> {
        anyhow::bail!("the processor time of another process is only measured on Linux")
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<_> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
