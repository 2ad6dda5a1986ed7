//! What the engine is given to do, in this process.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::json;
use task_engine::{
    Config, Error, Execution, Handler, NewTask, Next, Registry, RunningEngine, Selection, Store,
};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::task::JoinSet;

use super::feature::Feature;

/// The kind of the tasks that do nothing.
pub const NOTHING: &str = "nothing";

/// A task that does nothing.
pub fn nothing() -> NewTask {
    NewTask::new(NOTHING, json!({}))
}

/// Creates so many tasks, each in a transaction of its own, with so many who do it side by side.
pub async fn create_together(
    store: &Store,
    tasks: u32,
    producers: u32,
    feature: Feature,
) -> Result<Duration> {
    let start = Instant::now();
    let mut producing = JoinSet::new();
    for producer in 0..producers {
        let store = store.clone();
        let share = (producer..tasks).step_by(producers as usize);
        producing.spawn(async move {
            for index in share {
                store.create(feature.task(index)).await?;
            }
            Ok::<_, Error>(())
        });
    }
    while let Some(produced) = producing.join_next().await {
        produced??;
    }
    Ok(start.elapsed())
}

/// Creates so many tasks, with transactions of so many.
pub async fn create_in_bulk(store: &Store, tasks: u32, batch: u32) -> Result<Duration> {
    in_bulk(store, tasks, batch, nothing()).await
}

/// Does the same with tasks that any engine knows, and that do nothing either.
pub async fn create_waiting_tasks(store: &Store, tasks: u32) -> Result<()> {
    in_bulk(store, tasks, tasks, waiting_task()).await.map(drop)
}

/// A task that any engine knows, and that does nothing either.
pub fn waiting_task() -> NewTask {
    NewTask::new("waiting", json!({ "waiting_time": 0 }))
}

async fn in_bulk(store: &Store, tasks: u32, batch: u32, task: NewTask) -> Result<Duration> {
    let start = Instant::now();
    for _ in 0..tasks / batch {
        let task = task.clone();
        store
            .transaction(move |tx| (0..batch).try_for_each(|_| tx.create(task.clone()).map(drop)))
            .await?;
    }
    Ok(start.elapsed())
}

/// Fills a database with tasks that are executed.
pub async fn fill_with_finished_tasks(store: &Store, tasks: u32) -> Result<()> {
    store
        .transaction(move |tx| {
            let now = tx.now.as_millisecond();
            tx.execute(
                "WITH RECURSIVE numbers (n) AS
                    (SELECT 1 WHERE ?1 > 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?1)
                 INSERT INTO tasks (status, created_at, updated_at, task_kind, task_parameters)
                 SELECT 'stopped', ?2, ?2, 'nothing', '{}' FROM numbers",
                (tasks, now),
            )?;
            tx.execute(
                "INSERT INTO task_executions
                    (task_id, status, started_at, stopped_at, result, created_at, updated_at)
                 SELECT id, 'success', ?1, ?1, 'null', ?1, ?1 FROM tasks",
                [now],
            )?;
            Ok::<_, Error>(())
        })
        .await?;
    Ok(())
}

/// Executes tasks that wait, so many, with so many workers, which may acquire them so long ahead.
pub async fn execute(
    store: Store,
    workers: u16,
    ahead: Duration,
    tasks: u32,
    feature: Feature,
) -> Result<Duration> {
    let executed = Arc::new(Semaphore::new(0));
    let count = executed.clone();
    let handler = Handler::new(move |_task| {
        count.add_permits(1);
        async {}
    });
    let registry = feature.registry(&handler);
    let start = Instant::now();
    let engine = start_engine(store, registry, workers, ahead).await?;
    executed.acquire_many(tasks).await?.forget();
    engine.shutdown().await?;
    Ok(start.elapsed())
}

/// Acquires all the tasks one by one, then, out of this time, ends them.
pub async fn acquire_all(store: &Store) -> Result<Duration> {
    let selection = Selection {
        instance: "bench".into(),
        engine: None,
        kinds: [NOTHING.to_owned()].into(),
        taken: Arc::default(),
    };
    let mut tasks = Vec::new();
    let start = Instant::now();
    while let Some(task) = store.try_acquire_task(&selection).await?.task {
        tasks.push(task);
    }
    let time = start.elapsed();
    for task in tasks {
        let execution = Execution::of(task);
        let _ended = store
            .end(&execution, Ok(json!(null)), Next::Stopped)
            .await?;
    }
    Ok(time)
}

/// An engine that says when it starts a task.
pub struct Engine {
    engine: RunningEngine,
    starts: UnboundedReceiver<Instant>,
}

impl Engine {
    pub async fn start(store: Store, workers: u16) -> Result<Self> {
        let (sender, starts) = mpsc::unbounded_channel();
        let handler = Handler::new(move |_task| {
            // The receiver is there as long as tasks are created.
            let _ = sender.send(Instant::now());
            async {}
        });
        let registry = Registry::default().with_handler(NOTHING, handler);
        let engine = start_engine(store, registry, workers, Duration::ZERO).await?;
        Ok(Self { engine, starts })
    }

    /// From the creation of a task to its start.
    pub async fn latency(&mut self, store: &Store) -> Result<Duration> {
        store.create(nothing()).await?;
        let created = Instant::now();
        let started = self.starts.recv().await.context("the engine has ended")?;
        Ok(started.saturating_duration_since(created))
    }

    pub async fn shutdown(self) -> Result<()> {
        Ok(self.engine.shutdown().await?)
    }
}

async fn start_engine(
    store: Store,
    registry: Registry,
    workers: u16,
    ahead: Duration,
) -> Result<RunningEngine> {
    let config = Config {
        instance: "bench".to_owned(),
        workers,
        ahead,
        ..Config::default()
    };
    let engine = task_engine::Engine::new(store, registry, config);
    Ok(engine.start().await?)
}
