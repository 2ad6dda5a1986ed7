use std::future;
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU16, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tracing::{error, info, warn};

use crate::alarm::Alarm;
use crate::heartbeat::{Heartbeat, LONGEST, SHORTEST};
use crate::interruption::Interruption;
use crate::recovery::Recovery;
use crate::wake_up::WakeUp;
use crate::watcher::Watcher;
use crate::{
    Acquired, Ending, EngineHandle, Error, Next, Outcome, Registry, RetryPolicy, RunningEngine,
    Selection, Store, Task, Worker,
};

/// How an engine works.
///
/// Write it as `Config { workers: 2, ..Config::default() }`, so that a new field changes nothing
/// for you.
#[derive(Debug, Clone)]
pub struct Config {
    /// The name of the engine, which tells its tasks from those of other engines on the same
    /// database. There is no default: an engine without a name doesn't start.
    pub instance: String,
    /// How many tasks run at once.
    pub workers: u16,
    /// How often the engine looks whether another process has written in the database.
    pub watch_interval: Duration,
    /// How long all workers sleep at most: then one looks at the clock of the store again, which
    /// may have been set.
    pub wake_up_interval: Duration,
    /// How long the engine may be silent before it is taken for dead, and its tasks are executed
    /// elsewhere: it says three times as often that it is alive. Give all the engines of a database
    /// the same.
    pub lease: Duration,
    /// How long a task that is asked to stop may take to do so, before it is cut short.
    pub cancellation_grace: Duration,
    /// How long the running tasks may go on once the engine is asked to stop, before they are asked
    /// to stop too, and put back: for as long as they take, if there is none.
    pub grace: Option<Duration>,
    /// When tasks that have failed are executed again, unless their kind says otherwise.
    pub retry_policy: RetryPolicy,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            instance: String::new(),
            workers: 5,
            watch_interval: Duration::from_millis(10),
            wake_up_interval: Duration::from_secs(10),
            lease: Duration::from_secs(30),
            cancellation_grace: Duration::from_secs(5),
            grace: None,
            retry_policy: RetryPolicy::default(),
        }
    }
}

/// Starts workers and waits for them.
#[derive(Debug)]
pub struct Engine {
    pub(crate) store: Store,
    pub(crate) registry: Registry,
    pub(crate) config: Config,
    pub(crate) wake_up: WakeUp,
    pub(crate) alarm: Alarm,
    selection: Selection,
    /// What the database calls this start of it.
    number: AtomicI64,
    handle: EngineHandle,
    /// The executions that somebody has cancelled.
    cancelled: watch::Sender<Vec<i64>>,
    asleep: AtomicU16,
}

impl Engine {
    /// Makes an engine, whose workers take their tasks in this store; it does nothing until it runs.
    pub fn new(store: Store, registry: Registry, mut config: Config) -> Self {
        config.lease = config.lease.clamp(SHORTEST, LONGEST);
        Self {
            selection: Selection {
                instance: config.instance.as_str().into(),
                engine: None,
                kinds: registry.kinds().into(),
                taken: Arc::default(),
            },
            wake_up: store.wake_up(),
            alarm: Alarm::default(),
            store,
            registry,
            config,
            number: AtomicI64::default(),
            handle: EngineHandle::new(),
            cancelled: watch::Sender::default(),
            asleep: AtomicU16::new(0),
        }
    }

    /// What stops this engine while it runs.
    pub fn handle(&self) -> EngineHandle {
        self.handle.clone()
    }

    pub(crate) fn is_running(&self) -> bool {
        self.handle.is_running()
    }

    /// Executes tasks, those that wait and those to come, until the engine is asked to stop and
    /// every worker has ended its last one. A worker that fails stops the engine. Dropping
    /// this future cuts the running tasks short: they stay marked as running.
    ///
    /// # Errors
    /// [`Error::NoInstance`]; [`Error::StillRunning`] if tasks are marked as running under its
    /// name: nothing is changed; those of the store: the first one, once all workers have stopped.
    ///
    /// # Panics
    /// If a task panics.
    pub async fn run(self) -> Result<(), Error> {
        self.check_instance().await?;
        Arc::new(self).work().await
    }

    /// Does the same in the background: [`RunningEngine`] stops it and waits for it.
    ///
    /// # Errors
    /// [`Error::NoInstance`]; [`Error::StillRunning`]; those of the store.
    pub async fn start(self) -> Result<RunningEngine, Error> {
        self.check_instance().await?;
        Ok(RunningEngine::new(Arc::new(self)))
    }

    pub(crate) async fn work(self: Arc<Self>) -> Result<(), Error> {
        let (instance, workers) = (&self.config.instance, self.config.workers);
        let lease = self.config.lease;
        loop {
            let asked_at = Instant::now();
            let number = self.store.start_engine(instance, lease).await?;
            let mut heartbeat = Heartbeat::start(self.store.clone(), number, lease, asked_at)?;
            self.number.store(number, Ordering::Relaxed);
            info!(instance, workers, engine = number, "engine started");
            let outcome = self.clone().live(&mut heartbeat).await;
            drop(heartbeat);
            if !matches!(outcome, Ok(Ending::Lost)) {
                let outcome = outcome.map(drop);
                let outcome = outcome.and(self.store.stop_engine(number).await);
                info!("engine stopped");
                return outcome;
            }
            error!(engine = number, "lease lost: its tasks are cut short");
            self.asleep.store(0, Ordering::SeqCst);
            match self.store.release(number).await {
                // They are found once the lease is over for the others too.
                Err(error) if error.is_refusal() => {
                    let error = error.with_causes();
                    error!(engine = number, error, "its tasks can't be put back");
                }
                released => released?,
            }
            if !self.is_running() {
                info!("engine stopped");
                return Ok(());
            }
        }
    }

    /// Lets the workers and the services work, until all of them have ended, or until the lease is
    /// lost: then none of them is left.
    async fn live(self: Arc<Self>, heartbeat: &mut Heartbeat) -> Result<Ending, Error> {
        let engine = self;
        engine.report_unknown_kinds().await?;
        engine.report_paused_kinds().await?;
        let (mut workers, mut watching) = (JoinSet::new(), JoinSet::new());
        // Before the workers look for the first time: nothing is created unnoticed.
        let watcher = Watcher::new(engine.clone()).await?;
        // Until the last task has ended: it may be cancelled meanwhile.
        watching.spawn(watcher.run());
        workers.spawn(engine.clone().serve(Alarm::run(engine.clone())));
        workers.spawn(engine.clone().serve(Recovery::new(engine.clone()).run()));
        for index in 0..engine.config.workers {
            workers.spawn(Worker::new(index, engine.clone()).run());
        }
        let mut outcome = Ok(());
        loop {
            let joined = tokio::select! {
                joined = workers.join_next() => joined,
                Some(joined) = watching.join_next() => Some(joined),
                () = heartbeat.lost() => {
                    workers.shutdown().await;
                    watching.shutdown().await;
                    return Ok(Ending::Lost);
                }
            };
            let Some(joined) = joined else { break };
            let ended = joined.unwrap_or_else(|error| panic::resume_unwind(error.into_panic()));
            if ended.is_err() {
                engine.handle.stop();
            }
            outcome = outcome.and(ended);
        }
        watching.shutdown().await;
        outcome.map(|()| Ending::Ended)
    }

    /// Lets a service run until the engine is asked to stop.
    async fn serve(
        self: Arc<Self>,
        service: impl Future<Output = Result<(), Error>>,
    ) -> Result<(), Error> {
        tokio::select! {
            ended = service => ended,
            () = self.handle.stopping() => Ok(()),
        }
    }

    /// Sleeps until a task may be there, or until the engine is asked to stop.
    pub(crate) async fn sleep(&self) {
        self.asleep.fetch_add(1, Ordering::SeqCst);
        tokio::select! {
            () = self.wake_up.wait() => (),
            () = self.handle.stopping() => (),
        }
        self.asleep.fetch_sub(1, Ordering::SeqCst);
    }

    pub(crate) async fn acquire(&self) -> Result<Acquired, Error> {
        let selection = Selection {
            engine: Some(self.number()),
            ..self.selection.clone()
        };
        self.store.try_acquire_task(&selection).await
    }

    pub(crate) fn next(&self, task: &Task, outcome: &Outcome) -> Next {
        let Err(error) = outcome else {
            return Next::Stopped;
        };
        if error.interruption() == Some(Interruption::Stop) && !error.is_permanent() {
            return Next::PutBack;
        }
        let delay = self.retry_policy(&task.kind).delay(task, error);
        delay.map_or(Next::Failed, |delay| {
            Next::RetryAt(self.store.clock().after(delay))
        })
    }

    /// Looks whether somebody has cancelled tasks that this engine executes.
    pub(crate) async fn look_for_cancellations(&self) -> Result<(), Error> {
        let found = self.store.cancelled_executions(self.number()).await?;
        self.cancelled.send_if_modified(|cancelled| {
            let changed = *cancelled != found;
            *cancelled = found;
            changed
        });
        Ok(())
    }

    /// Waits until there is a reason to interrupt an execution of this task, which begins now.
    pub(crate) async fn interruption(&self, task: &Task) -> Interruption {
        let limit = task.timeout.or(self.registry.timeout(&task.kind));
        let late = async {
            self.handle.stopping().await;
            elapsed(self.config.grace).await
        };
        let mut cancelled = self.cancelled.subscribe();
        tokio::select! {
            _ = cancelled.wait_for(|all| all.contains(&task.execution)) => Interruption::Cancelled,
            limit = elapsed(limit) => Interruption::Timeout(limit),
            _ = late => Interruption::Stop,
        }
    }

    pub(crate) fn number(&self) -> i64 {
        self.number.load(Ordering::Relaxed)
    }

    pub(crate) fn retry_policy(&self, kind: &str) -> &RetryPolicy {
        let policy = self.registry.retry_policy(kind);
        policy.unwrap_or(&self.config.retry_policy)
    }

    /// Whether a task is due, or a worker isn't asleep.
    pub(crate) async fn has_work(&self) -> Result<bool, Error> {
        let due = self.store.is_due(&self.selection).await?;
        let (asleep, workers) = (self.asleep.load(Ordering::SeqCst), self.config.workers);
        // Without a worker, what is due stays due.
        Ok(workers > 0 && (due || asleep < workers))
    }

    /// They stay where they are, for another program that knows them.
    async fn report_unknown_kinds(&self) -> Result<(), Error> {
        for kind in self.store.waiting_kinds().await? {
            if !self.selection.kinds.contains(&kind) {
                warn!(kind, "tasks of an unknown kind are left waiting");
            }
        }
        Ok(())
    }

    /// An engine that does nothing says why.
    pub(crate) async fn report_paused_kinds(&self) -> Result<(), Error> {
        for record in self.store.reader().kinds(&self.registry).await? {
            if let (true, kind, Some(since)) = (record.known, record.kind, record.paused_at) {
                warn!(kind, %since, "tasks of a paused kind are left waiting");
            }
        }
        Ok(())
    }

    /// What these tasks have done before their engine was killed, only somebody can tell.
    async fn check_instance(&self) -> Result<(), Error> {
        let instance = self.config.instance.clone();
        if instance.is_empty() {
            return Err(Error::NoInstance);
        }
        let engines = self.store.reader().list_engines(self.store.now(), 100);
        for other in engines.await? {
            if other.name == instance && other.status == "alive" {
                let other = other.id;
                warn!(
                    instance,
                    other, "this name is that of an engine that is, or was, alive"
                );
            }
        }
        let tasks = self.store.running_tasks(&instance).await?;
        if tasks.is_empty() {
            return Ok(());
        }
        Err(Error::StillRunning { instance, tasks })
    }
}

/// Waits for so long: for ever, if there is no limit.
async fn elapsed(limit: Option<Duration>) -> Duration {
    let Some(limit) = limit else {
        return future::pending().await;
    };
    sleep(limit).await;
    limit
}
