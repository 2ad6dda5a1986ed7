use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nix::unistd::gethostname;

use crate::{
    Config, Engine, Error, Handler, Registry, RetryPolicy, RunningEngine, Store, TaskHandler,
};

/// Makes an engine step by step: [`Engine::builder`] begins, [`EngineBuilder::start`] ends.
#[must_use = "an engine does nothing until it is started"]
pub struct EngineBuilder {
    instance: Option<String>,
    store: Store,
    registry: Registry,
    config: Config,
}

impl EngineBuilder {
    pub(super) fn new(store: Store) -> Self {
        Self {
            instance: None,
            store,
            registry: Registry::default(),
            config: Config::default(),
        }
    }

    /// The name of the engine, which no other engine on the same database uses. By default, that
    /// of the machine with the number of the process: `myhost-4242`; then `myhost-4242-2` for a
    /// second engine in the same process.
    pub fn instance(mut self, name: impl Into<String>) -> Self {
        self.instance = Some(name.into());
        self
    }

    /// How many tasks run at once: 5 by default. With none, the engine does nothing.
    pub fn workers(mut self, workers: u16) -> Self {
        self.config.workers = workers;
        self
    }

    /// How often the engine looks whether another process has written in the database: each 10
    /// milliseconds by default, which costs next to nothing.
    pub fn watch_interval(mut self, interval: Duration) -> Self {
        self.config.watch_interval = interval;
        self
    }

    /// How long a worker sleeps at most: 10 seconds by default.
    pub fn wake_up_interval(mut self, interval: Duration) -> Self {
        self.config.wake_up_interval = interval;
        self
    }

    /// When tasks that have failed are executed again: ten times in 17 hours by default.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.config.retry = policy;
        self
    }

    /// Adds a kind of task.
    pub fn handler<T: TaskHandler>(mut self) -> Self {
        self.registry = self.registry.with::<T>();
        self
    }

    /// Adds a kind of task whose code is not a type; see [`Registry::with_handler`].
    pub fn handler_of(mut self, kind: &str, handler: Handler) -> Self {
        self.registry = self.registry.with_handler(kind, handler);
        self
    }

    /// Sets all the kinds of tasks: those of this registry, and none of those given before.
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = registry;
        self
    }

    /// The engine, which doesn't run yet.
    pub fn build(self) -> Engine {
        let instance = self.instance.unwrap_or_else(unique_name);
        Engine::new(&instance, self.store, self.registry, self.config)
    }

    /// Starts the engine in the background.
    ///
    /// # Errors
    /// Those of [`Engine::start`].
    pub async fn start(self) -> Result<RunningEngine, Error> {
        self.build().start().await
    }
}

fn unique_name() -> String {
    static ENGINES: AtomicU32 = AtomicU32::new(1);
    let host = gethostname().unwrap_or_else(|_| "localhost".into());
    let (host, process) = (host.to_string_lossy(), process::id());
    match ENGINES.fetch_add(1, Ordering::Relaxed) {
        1 => format!("{host}-{process}"),
        number => format!("{host}-{process}-{number}"),
    }
}
