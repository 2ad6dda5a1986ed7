use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{Error, IntoNewTask, Store, Task};

pub(crate) type States = HashMap<TypeId, Arc<dyn Any + Send + Sync>>;

/// What a task sees of the engine that executes it; cheap to clone.
#[derive(Debug, Clone)]
pub struct Context {
    /// The task.
    pub task: Task,
    states: Arc<States>,
    store: Option<Store>,
    cancellation: CancellationToken,
}

impl Context {
    pub(crate) fn new(
        task: Task,
        states: Arc<States>,
        store: Option<Store>,
        cancellation: CancellationToken,
    ) -> Self {
        Self {
            task,
            states,
            store,
            cancellation,
        }
    }

    /// A context without an engine, to call the code of a task in a test of yours.
    pub fn for_test() -> Self {
        let task = Task {
            id: 1,
            execution: 1,
            kind: "test".to_owned(),
            parameters: Value::Null,
            retries: 0,
            correlation: "1".to_owned(),
            parent: None,
            timeout: None,
            tick: None,
        };
        Self::new(task, Arc::default(), None, CancellationToken::new())
    }

    /// The same context, with what [`Registry::with_state`](crate::Registry::with_state) gives.
    #[must_use]
    pub fn with_state<S: Any + Send + Sync>(mut self, state: S) -> Self {
        add(&mut self.states, state);
        self
    }

    /// The same context, where tasks are created in this store.
    #[must_use]
    pub fn with_store(mut self, store: Store) -> Self {
        self.store = Some(store);
        self
    }

    /// The same context, cancelled by this token.
    #[must_use]
    pub fn with_cancellation(mut self, cancellation: CancellationToken) -> Self {
        self.cancellation = cancellation;
        self
    }

    /// Whether the task is asked to stop: it is cut short if it takes longer than
    /// [`Config::cancellation_grace`](crate::Config::cancellation_grace) to do so.
    pub fn is_cancelled(&self) -> bool {
        self.cancellation.is_cancelled()
    }

    /// Waits until the task is asked to stop: for ever, as long as it isn't. Dropping this future
    /// does no harm.
    pub async fn cancelled(&self) {
        self.cancellation.cancelled().await;
    }

    /// Creates a task, a child of this one, and returns its number. It is created even if this task
    /// fails later: with other changes, use [`NewTask::child_of`](crate::NewTask::child_of) in a
    /// transaction.
    ///
    /// # Errors
    /// Those of [`Store::create`].
    ///
    /// # Panics
    /// If there is no store, which only happens in a test.
    pub async fn create(&self, task: impl IntoNewTask) -> Result<i64, Error> {
        let task = task.into_new_task()?.child_of(&self.task);
        let store = self.store.as_ref();
        store.expect("with_store gives a store").create(task).await
    }

    /// What the tasks share: connections, a client of a service.
    ///
    /// # Panics
    /// If nobody has given a state of this type. In a task, it is the task that fails.
    pub fn state<S: Any>(&self) -> &S {
        let state = self.states.get(&TypeId::of::<S>());
        let state = state.and_then(|state| state.downcast_ref());
        state.unwrap_or_else(|| panic!("no state of type {} was given", type_name::<S>()))
    }
}

pub(crate) fn add<S: Any + Send + Sync>(states: &mut Arc<States>, state: S) {
    Arc::make_mut(states).insert(TypeId::of::<S>(), Arc::new(state));
}
