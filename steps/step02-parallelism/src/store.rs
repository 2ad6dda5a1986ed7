use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Ending, Error, Execution, Task};

/// Keeps the tasks, in memory; cheap to clone, each clone sees the same tasks.
#[derive(Debug, Clone, Default)]
pub struct Store {
    tasks: Arc<Mutex<Tasks>>,
}

#[derive(Debug, Default)]
struct Tasks {
    last_id: i64,
    waiting: VecDeque<Task>,
    running: BTreeSet<i64>,
}

impl Store {
    /// Creates a task, which waits for a worker, and returns its number.
    ///
    /// # Errors
    /// If it can't be kept.
    pub async fn create(&self) -> Result<i64, Error> {
        let mut tasks = self.lock();
        tasks.last_id += 1;
        let id = tasks.last_id;
        tasks.waiting.push_back(Task { id });
        Ok(id)
    }

    /// Takes the oldest waiting task and marks it as running.
    ///
    /// # Errors
    /// If the tasks can't be read and changed.
    pub async fn try_acquire_task(&self) -> Result<Option<Task>, Error> {
        let mut tasks = self.lock();
        let task = tasks.waiting.pop_front();
        tasks.running.extend(task.as_ref().map(|task| task.id));
        Ok(task)
    }

    /// Forgets a task that has been executed, if it is still there and running.
    ///
    /// # Errors
    /// If the tasks can't be read and changed.
    pub async fn end(&self, execution: &Execution) -> Result<Ending, Error> {
        let id = execution.task.id;
        Ok(Ending::of(self.lock().running.remove(&id)))
    }

    fn lock(&self) -> MutexGuard<'_, Tasks> {
        // Nothing under this lock can panic half-way through a change: the content is sound.
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
