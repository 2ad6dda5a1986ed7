//! Several workers, side by side.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use step48_inotify::Handler;
use tokio::sync::{Barrier, Notify};
use tokio::task::{spawn_blocking, yield_now};

use crate::common::{create_tasks, engine, log, run_side_by_side, store};

/// Keeps a thread busy until as many threads as expected are here at the same time.
fn meet(arrived: &AtomicUsize, expected: usize) {
    arrived.fetch_add(1, Ordering::SeqCst);
    let started_at = Instant::now();
    while arrived.load(Ordering::SeqCst) < expected {
        assert!(started_at.elapsed().as_secs() < 60, "nobody else came");
        std::hint::spin_loop();
    }
}

#[tokio::test]
async fn every_worker_logs_its_index() {
    let store = store();
    create_tasks(&store, 2).await;
    let barrier = Arc::new(Barrier::new(2));
    let handler = Handler::new(move |_| {
        let barrier = barrier.clone();
        async move {
            barrier.wait().await;
        }
    });

    run_side_by_side(2, &store, handler).await;

    let log = log();
    let started = log.lines().filter(|line| line.contains("task started"));
    let mut workers: Vec<_> = started
        .flat_map(str::split_whitespace)
        .filter(|word| word.starts_with("worker="))
        .collect();
    workers.sort_unstable();
    assert_eq!(workers, ["worker=0", "worker=1"]);
}

#[tokio::test]
async fn five_workers_run_five_tasks_at_once() {
    let store = store();
    create_tasks(&store, 10).await;
    let barrier = Arc::new(Barrier::new(5));
    let handler = Handler::new(move |_| {
        let barrier = barrier.clone();
        async move {
            let met = tokio::time::timeout(Duration::from_mins(1), barrier.wait()).await;
            assert!(met.is_ok(), "five tasks never ran at once");
        }
    });

    run_side_by_side(5, &store, handler).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_that_compute_use_several_threads() {
    let store = store();
    create_tasks(&store, 2).await;
    let arrived = Arc::new(AtomicUsize::new(0));
    let handler = Handler::new(move |_| {
        let arrived = arrived.clone();
        async move { meet(&arrived, 2) }
    });

    run_side_by_side(2, &store, handler).await;
}

/// This runtime has one thread: blocking it would leave nobody to run the second task.
#[tokio::test(flavor = "current_thread")]
async fn the_blocking_pool_keeps_the_runtime_free() {
    let store = store();
    create_tasks(&store, 2).await;
    let arrived = Arc::new(AtomicUsize::new(0));
    let handler = Handler::new(move |_| {
        let arrived = arrived.clone();
        async move { spawn_blocking(move || meet(&arrived, 2)).await.unwrap() }
    });

    run_side_by_side(2, &store, handler).await;
}

#[tokio::test]
async fn dropping_the_engine_cuts_its_tasks_short() {
    let store = store();
    create_tasks(&store, 1).await;
    let started = Arc::new(Notify::new());
    let alive = Arc::new(());
    let (signal, held) = (started.clone(), Arc::downgrade(&alive));
    let handler = Handler::new(move |_| {
        let (signal, alive) = (signal.clone(), alive.clone());
        async move {
            signal.notify_one();
            pending::<()>().await;
            drop(alive);
        }
    });

    tokio::select! {
        outcome = engine(1, &store, handler).run() => panic!("the engine has ended: {outcome:?}"),
        () = started.notified() => (),
    }

    while held.strong_count() > 0 {
        yield_now().await;
    }
}
