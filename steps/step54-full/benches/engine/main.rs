//! What the engine costs, each figure beside that of a bare loop which sends what a task needs to
//! SQLite with the same settings, in the same run: `cargo bench -p step54-full`.

mod bare;
mod child;
mod feature;
mod load;
mod table;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use rusqlite::Connection;
use task_engine::{Store, StoreOptions, Synchronous};
use tempfile::TempDir;
use tokio::time::sleep;

use bare::Bare;
use child::Child;
use feature::Feature;
use load::{Engine, NOTHING};
use table::Table;

const ROUNDS: usize = 5;
const TASKS: u32 = 2048;
/// So many that it hardly counts how an engine begins and ends.
const DRAINED: u32 = 8192;
const BATCH: u32 = 256;
const PRODUCERS: [u32; 3] = [1, 10, TOGETHER];
const TOGETHER: u32 = 50;
const WORKERS: [u16; 5] = [1, 2, 5, 20, 50];
/// How long a task may be acquired before it starts.
const AHEAD: Duration = Duration::from_millis(50);
const FINISHED_TASKS: [u32; 2] = [0, 1_000_000];
const ACQUISITIONS: u32 = 200;
const WAITING_TASKS: [u32; 3] = [100, 10_000, 100_000];
const CREATIONS: u32 = 100;
const BOUND: u32 = 1_000_000;
const LATENCIES: u32 = 200;
const TASKS_IN_MEMORY: u32 = 10_000;

/// The setting of the store: a committed task survives a power cut.
const FULL: &str = "FULL";
/// A power cut can undo the last transactions.
const NORMAL: &str = "NORMAL";

#[tokio::main]
async fn main() -> Result<()> {
    // Not in the usual temporary folder, which may be in memory.
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
    let databases = Databases { folder, made: 0 };
    let mut bench = Bench {
        databases,
        table: Table::default(),
    };
    let mut histories = Vec::new();
    for finished in FINISHED_TASKS {
        let path = bench.databases.fresh();
        load::fill_with_finished_tasks(&Store::open(&path)?, finished).await?;
        histories.push((finished, path));
    }
    for round in 1..=ROUNDS {
        eprintln!("round {round} of {ROUNDS}");
        bench.creation().await?;
        bench.execution().await?;
        bench.features().await?;
        for waiting in WAITING_TASKS {
            bench.bounded(waiting).await?;
        }
        for (finished, path) in &histories {
            bench.acquisition(*finished, path).await?;
        }
        bench.latency_in_process().await?;
        bench.latency_across_processes().await?;
    }
    bench.memory().await?;
    println!(
        "SQLite {}, synchronous = FULL unless told otherwise; medians of {ROUNDS} rounds.\n\
         The bare loop sends what a task needs, in a transaction to create a task, and two to\n\
         execute it; or in one for {BATCH} tasks.\n",
        rusqlite::version()
    );
    println!("{}", bench.table);
    Ok(())
}

struct Bench {
    databases: Databases,
    table: Table,
}

/// Databases that go with the folder.
struct Databases {
    folder: TempDir,
    made: u32,
}

impl Databases {
    fn fresh(&mut self) -> PathBuf {
        self.made += 1;
        self.folder.path().join(format!("{}.db", self.made))
    }
}

impl Bench {
    async fn creation(&mut self) -> Result<()> {
        let [bare, batches] = self.bare_creation(FULL)?;
        for producers in PRODUCERS {
            let store = Store::open(self.databases.fresh())?;
            let engine =
                rate(load::create_together(&store, TASKS, producers, Feature::None).await?);
            let name = format!("create, producers: {producers}");
            self.table.rate(&name, engine, bare, batches);
            if producers == TOGETHER {
                let mut connection = Bare::open(&self.databases.fresh(), FULL)?;
                let bare = rate(connection.create(TASKS, TOGETHER)?);
                let name = format!("{name}, beside {TOGETHER} in a transaction");
                self.table.rate_beside(&name, engine, bare);
            }
        }

        let store = Store::open(self.databases.fresh())?;
        let engine = rate(load::create_in_bulk(&store, TASKS, BATCH).await?);
        let name = format!("create, {BATCH} in a transaction");
        self.table.rate(&name, engine, bare, batches);

        let [bare, batches] = self.bare_creation(NORMAL)?;
        let store = self.normal()?;
        let engine = rate(load::create_together(&store, TASKS, 1, Feature::None).await?);
        let name = "create, synchronous = NORMAL";
        self.table.rate(name, engine, bare, batches);
        Ok(())
    }

    fn bare_creation(&mut self, synchronous: &str) -> Result<[f64; 2]> {
        let mut rates = [0.0; 2];
        for (bare, batch) in rates.iter_mut().zip([1, BATCH]) {
            let mut connection = Bare::open(&self.databases.fresh(), synchronous)?;
            *bare = rate(connection.create(TASKS, batch)?);
        }
        Ok(rates)
    }

    async fn execution(&mut self) -> Result<()> {
        let [bare, batches] = self.bare_execution(FULL)?;
        for workers in WORKERS {
            let store = Store::open(self.databases.fresh())?;
            load::create_in_bulk(&store, DRAINED, BATCH).await?;
            let engine = drain_rate(
                load::execute(store, workers, Duration::ZERO, DRAINED, Feature::None).await?,
            );
            let name = format!("execute, workers: {workers}");
            self.table.rate(&name, engine, bare, batches);
            if workers == 1 {
                let mut connection = Bare::open(&self.databases.fresh(), FULL)?;
                connection.create(DRAINED, BATCH)?;
                let bare = drain_rate(connection.execute_chained()?);
                let name = format!("{name}, beside one transaction a task");
                self.table.rate_beside(&name, engine, bare);
            }

            let store = Store::open(self.databases.fresh())?;
            load::create_in_bulk(&store, DRAINED, BATCH).await?;
            let engine =
                drain_rate(load::execute(store, workers, AHEAD, DRAINED, Feature::None).await?);
            let name = format!("execute, {AHEAD:?} ahead, workers: {workers}");
            self.table.rate(&name, engine, bare, batches);
        }
        let mut connection = Bare::open(&self.databases.fresh(), FULL)?;
        connection.create(DRAINED, BATCH)?;
        let protected = drain_rate(connection.execute(BATCH, true)?);
        let name = format!("execute bare, {BATCH} in a transaction, in a savepoint (beside: none)");
        self.table.rate_beside(&name, protected, batches);
        let [bare, batches] = self.bare_execution(NORMAL)?;
        let store = self.normal()?;
        load::create_in_bulk(&store, DRAINED, BATCH).await?;
        let engine =
            drain_rate(load::execute(store, 1, Duration::ZERO, DRAINED, Feature::None).await?);
        let name = "execute, workers: 1, synchronous = NORMAL";
        self.table.rate(name, engine, bare, batches);
        Ok(())
    }

    fn normal(&mut self) -> Result<Store> {
        let options = StoreOptions {
            synchronous: Synchronous::Normal,
            ..StoreOptions::default()
        };
        Ok(Store::open_with(self.databases.fresh(), options)?)
    }

    fn bare_execution(&mut self, synchronous: &str) -> Result<[f64; 2]> {
        let mut rates = [0.0; 2];
        for (bare, batch) in rates.iter_mut().zip([1, BATCH]) {
            let mut connection = Bare::open(&self.databases.fresh(), synchronous)?;
            connection.create(DRAINED, BATCH)?;
            *bare = drain_rate(connection.execute(batch, false)?);
        }
        Ok(rates)
    }

    /// What each of them costs, beside the engine without it.
    async fn features(&mut self) -> Result<()> {
        let without = self.feature(Feature::None).await?;
        for feature in Feature::SOME {
            for ((name, with), (_, without)) in self.feature(feature).await?.iter().zip(&without) {
                let name = format!("{name}, {} (beside: none)", feature.name());
                self.table.rate_beside(&name, *with, *without);
            }
        }
        Ok(())
    }

    async fn feature(&mut self, feature: Feature) -> Result<Vec<(String, f64)>> {
        let mut rates = Vec::new();
        for (ahead, name) in [(Duration::ZERO, ""), (AHEAD, "ahead")] {
            let store = Store::open(self.databases.fresh())?;
            feature.set(&store).await?;
            let created = load::create_together(&store, TASKS, TOGETHER, feature).await?;
            if ahead.is_zero() {
                rates.push(("create".to_owned(), rate(created)));
            }
            let executed = load::execute(store, 5, ahead, TASKS, feature).await?;
            rates.push((
                format!("execute {name}").trim_end().to_owned(),
                rate(executed),
            ));
        }
        Ok(rates)
    }

    /// What one more task of a kind costs of which so many wait, and more may.
    async fn bounded(&mut self, waiting: u32) -> Result<()> {
        let store = Store::open(self.databases.fresh())?;
        load::create_in_bulk(&store, waiting, waiting).await?;
        let mut times = [0.0; 2];
        for (time, bound) in times.iter_mut().zip([None, Some(BOUND)]) {
            store.bound_kind(NOTHING, bound).await?;
            let created = load::create_together(&store, CREATIONS, 1, Feature::None).await?;
            *time = millis(created) / f64::from(CREATIONS);
        }
        let [without, with] = times;
        let name = format!("create, {waiting} wait, bounded (beside: not)");
        self.table.millis(&name, with, without);
        Ok(())
    }

    async fn acquisition(&mut self, finished: u32, path: &PathBuf) -> Result<()> {
        let store = Store::open(path)?;
        load::create_in_bulk(&store, ACQUISITIONS, ACQUISITIONS).await?;
        let engine = load::acquire_all(&store).await?;
        let mut bare = Bare::open(path, FULL)?;
        bare.create(ACQUISITIONS, ACQUISITIONS)?;
        let bare = bare.acquire_all()?;
        let [engine, bare] = [engine, bare].map(|time| millis(time) / f64::from(ACQUISITIONS));
        let name = format!("acquire, beside {finished} finished tasks");
        self.table.millis(&name, engine, bare);
        Ok(())
    }

    async fn latency_in_process(&mut self) -> Result<()> {
        let store = Store::open(self.databases.fresh())?;
        let mut engine = Engine::start(store.clone(), 5).await?;
        let mut latencies = Vec::new();
        for index in 0..LATENCIES {
            pause(index).await;
            latencies.push(millis(engine.latency(&store).await?));
        }
        engine.shutdown().await?;
        self.latencies("in the same process", latencies).await
    }

    async fn latency_across_processes(&mut self) -> Result<()> {
        let path = self.databases.fresh();
        let mut engine = Child::start(&path)?;
        let store = Store::open(&path)?;
        let mut latencies = Vec::new();
        for index in 0..LATENCIES {
            pause(index).await;
            latencies.push(millis(engine.latency(&store).await?));
        }
        self.latencies("across processes", latencies).await
    }

    /// From its creation to its start, a task is acquired: so much the bare loop does as well.
    async fn latencies(&mut self, place: &str, mut engine: Vec<f64>) -> Result<()> {
        let mut connection = Bare::open(&self.databases.fresh(), FULL)?;
        let mut bare = Vec::new();
        for index in 0..LATENCIES {
            pause(index).await;
            connection.create(1, 1)?;
            bare.push(millis(connection.acquire_all()?));
        }
        for (name, part) in [("p50", 50), ("p99", 99)] {
            let [engine, bare] = [&mut engine, &mut bare].map(|all| percentile(all, part));
            let name = format!("creation to start {place}, {name}");
            self.table.millis(&name, engine, bare);
        }
        Ok(())
    }

    async fn memory(&mut self) -> Result<()> {
        let idle = Child::start(&self.databases.fresh())?.peak_memory()?;
        let path = self.databases.fresh();
        let store = Store::open(&path)?;
        load::create_waiting_tasks(&store, TASKS_IN_MEMORY).await?;
        let engine = Child::start(&path)?;
        let connection = Connection::open(&path)?;
        let left = "SELECT count(*) FROM tasks WHERE status <> 'stopped'";
        while connection.query_one(left, [], |row| row.get::<_, u32>(0))? > 0 {
            sleep(Duration::from_millis(100)).await;
        }
        let name = format!("peak memory, {TASKS_IN_MEMORY} tasks executed (beside: none)");
        self.table.megabytes(&name, engine.peak_memory()?, idle);
        Ok(())
    }
}

/// Long enough for the workers to fall asleep, and at no particular point of their rhythm.
async fn pause(index: u32) {
    let uneven = Duration::from_micros(1_700) * (index % 7);
    sleep(Duration::from_millis(5) + uneven).await;
}

fn rate(time: Duration) -> f64 {
    f64::from(TASKS) / time.as_secs_f64()
}

fn drain_rate(time: Duration) -> f64 {
    f64::from(DRAINED) / time.as_secs_f64()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn percentile(values: &mut [f64], part: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() * part / 100]
}
