//! The kernel tells that another process has written; without it, the engine looks.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use step51_groups::{Config, Engine, EngineHandle, Error, Handler, Registry, Store, Which};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::common::{
    connection, create_tasks, database, left, log, new_task, statements, store, until,
};
use crate::notifications::fall_asleep;

const HOUR: Duration = Duration::from_hours(1);
const MINUTE: Duration = Duration::from_mins(1);

/// What the engine says when it must look.
const DEAF: &str = "the kernel doesn't tell what is written: looking for it";

/// An engine that runs, and what its tasks tell when they start.
struct Running {
    handle: EngineHandle,
    joined: JoinHandle<Result<(), Error>>,
    executed: Arc<Semaphore>,
}

impl Running {
    /// It looks once an hour, if it isn't told.
    async fn told(store: &Store) -> Self {
        Self::start(store, HOUR, count).await
    }

    /// It looks all the time, if it isn't told.
    async fn start_looking(store: &Store) -> Self {
        Self::start(store, Duration::from_millis(10), count).await
    }

    async fn start(
        store: &Store,
        watch_interval: Duration,
        handler: impl FnOnce(Arc<Semaphore>) -> Handler,
    ) -> Self {
        let executed = Arc::new(Semaphore::new(0));
        let registry = Registry::default().with_handler("test", handler(executed.clone()));
        let config = Config {
            instance: "test".to_owned(),
            watch_interval,
            wake_up_interval: HOUR,
            lease: HOUR,
            ..Config::default()
        };
        let engine = Engine::new(store.clone(), registry, config);
        let running = Self {
            handle: engine.handle(),
            joined: tokio::spawn(engine.run()),
            executed,
        };
        store.create(new_task()).await.unwrap();
        running.executed(1).await;
        fall_asleep(store).await;
        running
    }

    /// Waits until so many tasks have been executed.
    async fn executed(&self, count: u32) {
        let executed = timeout(MINUTE, self.executed.acquire_many(count)).await;
        executed.expect("a worker was woken").unwrap().forget();
    }

    async fn stop(self) {
        self.handle.stop();
        let joined = timeout(MINUTE, self.joined).await;
        joined.expect("it stops").unwrap().unwrap();
    }
}

/// A task that only tells that it was executed.
fn count(executed: Arc<Semaphore>) -> Handler {
    Handler::new(move |_| {
        executed.add_permits(1);
        async {}
    })
}

/// Another connection, as another process has it, creates tasks: each is executed.
async fn hears(running: &Running, path: &Path) {
    hears_each(running, &Store::open(path).unwrap(), 10).await;
}

async fn hears_each(running: &Running, other: &Store, count: u32) {
    for _ in 0..count {
        create_tasks(other, 1).await;
        running.executed(1).await;
    }
}

fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

fn deaf() -> usize {
    log().matches(DEAF).count()
}

#[tokio::test]
async fn a_commit_is_told() {
    let store = store();
    let running = Running::told(&store).await;
    // Who only looks again, each time later, would see the last ones in an hour.
    hears_each(&running, &crate::common::store(), 60).await;
    assert_eq!(deaf(), 0, "{}", log());
    running.stop().await;
}

/// It begins anew, at its beginning, and may be shorter.
#[tokio::test]
async fn so_is_one_after_a_checkpoint() {
    let store = store();
    let running = Running::told(&store).await;
    for mode in ["PASSIVE", "FULL", "RESTART", "TRUNCATE"] {
        // The end of a task is written, too.
        until(|| left().is_empty()).await;
        let checkpoint = format!("PRAGMA wal_checkpoint({mode})");
        let busy: bool = connection()
            .query_one(&checkpoint, [], |row| row.get(0))
            .unwrap();
        assert!(!busy, "{mode}");
        let empty = fs::metadata(log_of(&database())).unwrap().len() == 0;
        assert_eq!(empty, mode == "TRUNCATE");
        hears(&running, &database()).await;
    }
    assert_eq!(deaf(), 0, "{}", log());
    running.stop().await;
}

#[tokio::test]
async fn so_is_one_of_a_database_that_has_an_odd_name() {
    store();
    let folder = database().with_file_name("somewhere else");
    fs::create_dir(&folder).unwrap();
    let file = folder.join(OsStr::from_bytes(b"caf\xe9 -wal?.db"));
    let link = database().with_file_name("link.db");
    symlink(&file, &link).unwrap();
    for (opened, seen_by_others) in [(&file, &link), (&link, &file)] {
        let store = Store::open(opened).unwrap();
        let running = Running::told(&store).await;
        hears(&running, seen_by_others).await;
        running.stop().await;
    }
    assert_eq!(deaf(), 0, "{}", log());
}

#[tokio::test]
async fn so_is_a_cancellation() {
    let store = store();
    let running = Running::start(&store, HOUR, |signal| {
        let executed = AtomicUsize::new(0);
        Handler::new(move |context| {
            signal.add_permits(1);
            let first = executed.fetch_add(1, Ordering::Relaxed) == 0;
            async move {
                if !first {
                    context.cancelled().await;
                }
            }
        })
    })
    .await;
    let id = store.create(new_task()).await.unwrap();
    running.executed(1).await;
    let other = crate::common::store();
    let cancelled = other.cancel(Which::Task(id)).await.unwrap();
    assert_eq!(cancelled.running, 1);
    until(|| log().contains("task is asked to stop")).await;
    running.stop().await;
}

/// The file of the log isn't there when the engine starts, then it is.
#[tokio::test]
async fn an_engine_that_is_told_nothing_looks() {
    let store = store();
    let hidden = database().with_file_name("hidden");
    fs::rename(log_of(&database()), &hidden).unwrap();
    let running = Running::start_looking(&store).await;
    fs::rename(&hidden, log_of(&database())).unwrap();

    hears(&running, &database()).await;

    assert_eq!(deaf(), 1, "{}", log());
    assert!(log().contains("No such file"), "{}", log());
    running.stop().await;
}

/// It goes away while the engine is at work: moved, or deleted as one of two names of the file.
#[tokio::test]
async fn so_does_one_that_is_told_nothing_any_more() {
    for moved in [true, false] {
        let store = store();
        let running = Running::start_looking(&store).await;
        let already = deaf();
        let hidden = database().with_file_name("hidden");
        if moved {
            fs::rename(log_of(&database()), &hidden).unwrap();
        } else {
            fs::hard_link(log_of(&database()), &hidden).unwrap();
            fs::remove_file(log_of(&database())).unwrap();
        }
        until(|| deaf() > already).await;
        fs::rename(&hidden, log_of(&database())).unwrap();

        hears(&running, &database()).await;

        assert_eq!(deaf(), already + 1, "{}", log());
        running.stop().await;
    }
}

/// What changes without being gone is told as before.
#[tokio::test]
async fn a_log_that_is_touched_is_heard() {
    let store = store();
    let running = Running::told(&store).await;
    let other_name = database().with_file_name("other");
    for _ in 0..10 {
        fs::hard_link(log_of(&database()), &other_name).unwrap();
        fs::remove_file(&other_name).unwrap();
    }
    hears(&running, &database()).await;
    assert_eq!(deaf(), 0, "{}", log());
    running.stop().await;
}

#[tokio::test]
async fn a_database_that_goes_away_is_told() {
    let ways: [fn(); 3] = [
        || fs::remove_file(database()).unwrap(),
        || fs::rename(database(), database().with_file_name("moved")).unwrap(),
        || {
            let backup = database().with_file_name("backup");
            fs::copy(database(), &backup).unwrap();
            fs::rename(backup, database()).unwrap();
        },
    ];
    for go_away in ways {
        let _ = fs::remove_file(database());
        let _ = fs::remove_file(log_of(&database()));
        let store = store();
        let running = Running::told(&store).await;
        go_away();
        let ended = timeout(MINUTE, running.joined).await;
        let error = ended.expect("the engine ends").unwrap().unwrap_err();
        assert!(matches!(error, Error::Replaced { .. }), "{error}");
    }
    assert_eq!(deaf(), 0, "{}", log());
}

/// How many times this process has the kernel watch the log of the database.
fn watches() -> usize {
    let log = fs::metadata(log_of(&database())).unwrap().ino();
    let watch = format!("ino:{log:x} ");
    let files = fs::read_dir("/proc/self/fdinfo").unwrap();
    // A file may be closed meanwhile: another test's.
    let told = files.filter_map(|file| fs::read_to_string(file.ok()?.path()).ok());
    told.filter(|told| told.contains("inotify") && told.contains(&watch))
        .count()
}

#[tokio::test]
async fn an_engine_that_ends_leaves_nothing_behind() {
    let store = store();
    let running = Running::told(&store).await;
    assert_eq!(watches(), 1);
    running.stop().await;
    assert_eq!(watches(), 0);
    // Dropped, as a program does that has no time.
    let running = Running::told(&store).await;
    assert_eq!(watches(), 1);
    running.joined.abort();
    assert!(running.joined.await.unwrap_err().is_cancelled());
    until(|| watches() == 0).await;
}

/// Each of these changes is told, and comes long before one could look again.
#[tokio::test]
async fn however_much_is_told_it_looks_once_a_millisecond() {
    let (looks, elapsed) = looks_while_told(Duration::from_micros(10)).await;
    assert!(looks >= 1, "it doesn't look at all");
    // And five in three milliseconds, each time that nothing was told for a while: a busy machine
    // interrupts whoever makes the changes.
    assert!(looks <= 2 * elapsed + 20, "{looks} looks in {elapsed} ms");
}

/// Those that come one by one, but steadily, don't begin anew each time.
#[tokio::test]
async fn whatever_the_rhythm_it_looks_no_more_often() {
    let (looks, elapsed) = looks_while_told(Duration::from_millis(4)).await;
    assert!(looks <= elapsed, "{looks} looks in {elapsed} ms");
}

/// How many there are while the log changes so often, and in how many milliseconds.
async fn looks_while_told(rest: Duration) -> (u128, u128) {
    let store = store();
    let running = Running::told(&store).await;
    let (file, other_name) = (log_of(&database()), database().with_file_name("other"));
    let mut elapsed = 0;
    let asked = statements(&store, async {
        let begun_at = Instant::now();
        let told = tokio::task::spawn_blocking(move || {
            while begun_at.elapsed() < Duration::from_millis(400) {
                fs::hard_link(&file, &other_name).unwrap();
                fs::remove_file(&other_name).unwrap();
                // Whoever looks must have a processor.
                std::thread::sleep(rest);
            }
        });
        told.await.unwrap();
        elapsed = begun_at.elapsed().as_millis();
    });
    let looks = looks(&asked.await) as u128;
    running.stop().await;
    (looks, elapsed)
}

fn looks(asked: &[String]) -> usize {
    let looks = asked.iter().filter(|sql| sql.contains("data_version"));
    looks.count()
}
