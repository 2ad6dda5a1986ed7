//! What five workers gain over one, depending on what the tasks do.

use std::time::{Duration, Instant};

use step02_parallelism::{Config, Engine, Error, Handler, Store};
use tokio::task::spawn_blocking;

const TASKS: usize = 10;
const WAIT: Duration = Duration::from_millis(200);

#[tokio::main]
async fn main() -> Result<(), Error> {
    let threads = tokio::runtime::Handle::current().metrics().num_workers();
    println!("{TASKS} tasks, a runtime of {threads} threads");
    measure("wait, asynchronously", Handler::new(|_| wait())).await?;
    measure("compute", Handler::new(|_| async { compute() })).await?;
    measure("block their thread", Handler::new(|_| async { block() })).await?;
    measure("block, in the pool", Handler::new(|_| block_in_pool())).await?;
    Ok(())
}

async fn wait() {
    tokio::time::sleep(WAIT).await;
}

fn compute() {
    let sum = (0..30_000_000_u64).fold(0, |sum, n| sum ^ std::hint::black_box(n * n));
    std::hint::black_box(sum);
}

fn block() {
    std::thread::sleep(WAIT);
}

async fn block_in_pool() {
    spawn_blocking(block).await.expect("sleeping doesn't panic");
}

async fn measure(load: &str, handler: Handler) -> Result<(), Error> {
    let one = run(1, handler.clone()).await?.as_secs_f64();
    let five = run(5, handler).await?.as_secs_f64();
    let gain = one / five;
    println!("{load:<22} 1 worker {one:.2} s   5 workers {five:.2} s   ×{gain:.1}");
    Ok(())
}

async fn run(workers: u16, handler: Handler) -> Result<Duration, Error> {
    let store = Store::default();
    for _ in 0..TASKS {
        store.create().await?;
    }
    let started_at = Instant::now();
    let config = Config {
        workers,
        ..Config::default()
    };
    Engine::new(store, handler, config).run().await?;
    Ok(started_at.elapsed())
}
