//! Acquiring a task and ending it, beside more and more tasks that are finished: they must not
//! be in the way.

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use step08_monitoring::{Error, NewTask, Store};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const FINISHED_TASKS: [u32; 3] = [0, 10_000, 1_000_000];

fn acquisition(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let mut group = criterion.benchmark_group("acquire and end a task");
    for finished in FINISHED_TASKS {
        let folder = TempDir::new().expect("a folder");
        let store = Store::open(folder.path().join("bench.db")).expect("a database");
        runtime
            .block_on(fill(&store, finished))
            .expect("finished tasks");
        let id = BenchmarkId::new("finished", finished);
        group.bench_function(id, |bencher| {
            bencher.iter_batched(
                || runtime.block_on(create(&store)).expect("a new task"),
                |()| runtime.block_on(execute(&store)).expect("an executed task"),
                BatchSize::PerIteration,
            );
        });
    }
}

async fn fill(store: &Store, finished: u32) -> Result<(), Error> {
    store
        .transaction(move |tx, now| {
            tx.execute(
                "WITH RECURSIVE numbers (n) AS
                    (SELECT 1 WHERE ?1 > 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?1)
                 INSERT INTO tasks (status, created_at, updated_at, task_kind, task_parameters)
                 SELECT 'stopped', ?2, ?2, 'bench', '{}' FROM numbers",
                (finished, now),
            )?;
            tx.execute(
                "INSERT INTO task_executions
                    (task_id, started_at, stopped_at, result, created_at, updated_at)
                 SELECT id, ?1, ?1, 'null', ?1, ?1 FROM tasks",
                [now],
            )?;
            Ok(())
        })
        .await
}

async fn create(store: &Store) -> Result<(), Error> {
    let task = NewTask {
        kind: "bench".to_owned(),
        parameters: "{}".to_owned(),
    };
    store.create_new_task(task).await.map(drop)
}

async fn execute(store: &Store) -> Result<(), Error> {
    let task = store
        .try_acquire_task("bench", &["bench".to_owned()])
        .await?;
    let task = task.expect("a task is waiting");
    store.end_task(task.id, "null".to_owned()).await
}

criterion_group!(benches, acquisition);
criterion_main!(benches);
