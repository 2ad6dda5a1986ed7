use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::watch;

/// Says how an engine is doing, and stops it; cheap to clone.
#[derive(Debug, Clone)]
pub struct EngineHandle {
    instance: Arc<str>,
    state: watch::Sender<EngineState>,
}

#[derive(Debug)]
struct EngineState {
    status: EngineStatus,
    running_tasks: BTreeSet<i64>,
    ended_tasks: u64,
}

/// Whether an engine starts tasks.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineStatus {
    /// It starts the tasks that wait.
    Running,
    /// It waits for the running tasks, and starts no other.
    Stopping,
}

impl EngineHandle {
    pub(crate) fn new(instance: &str) -> Self {
        let state = EngineState {
            status: EngineStatus::Running,
            running_tasks: BTreeSet::new(),
            ended_tasks: 0,
        };
        Self {
            instance: instance.into(),
            state: watch::Sender::new(state),
        }
    }

    /// The name of the engine.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// Whether the engine still starts tasks.
    pub fn is_running(&self) -> bool {
        self.state.borrow().status == EngineStatus::Running
    }

    /// Asks the engine to stop: running tasks end, no other starts.
    pub fn stop(&self) {
        self.state
            .send_modify(|state| state.status = EngineStatus::Stopping);
    }

    /// Waits until the engine is asked to stop; returns at once if it was already.
    pub async fn stopping(&self) {
        let mut state = self.state.subscribe();
        // The only error is a sender that is gone, and this handle holds one.
        let _ = state
            .wait_for(|state| state.status == EngineStatus::Stopping)
            .await;
    }

    /// The tasks that the workers of this engine are executing.
    pub fn running_tasks(&self) -> BTreeSet<i64> {
        self.state.borrow().running_tasks.clone()
    }

    /// How many executions the workers of this engine have ended, whatever the outcome.
    pub fn ended_tasks(&self) -> u64 {
        self.state.borrow().ended_tasks
    }

    pub(crate) fn task_started(&self, id: i64) {
        self.state.send_modify(|state| {
            state.running_tasks.insert(id);
        });
    }

    pub(crate) fn task_ended(&self, id: i64) {
        self.state.send_modify(|state| {
            state.running_tasks.remove(&id);
            state.ended_tasks += 1;
        });
    }
}
