use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Error, Task, TaskStatus};

/// Keeps the tasks, in memory; cheap to clone, each clone sees the same tasks.
#[derive(Clone, Default)]
pub struct Store {
    tasks: Arc<Mutex<Tasks>>,
}

#[derive(Default)]
struct Tasks {
    last_id: i64,
    statuses: BTreeMap<i64, TaskStatus>,
}

impl Store {
    /// Creates a task, which waits for a worker, and returns its number.
    ///
    /// # Errors
    /// None: memory doesn't refuse.
    pub async fn create_task(&self) -> Result<i64, Error> {
        let mut tasks = self.lock();
        tasks.last_id += 1;
        let id = tasks.last_id;
        tasks.statuses.insert(id, TaskStatus::Waiting);
        Ok(id)
    }

    /// Takes the oldest waiting task and marks it as running.
    ///
    /// # Errors
    /// None: memory doesn't refuse.
    pub async fn try_acquire_task(&self) -> Result<Option<Task>, Error> {
        let mut tasks = self.lock();
        let oldest = tasks
            .statuses
            .iter_mut()
            .find(|(_, status)| **status == TaskStatus::Waiting);
        Ok(oldest.map(|(&id, status)| {
            *status = TaskStatus::Running;
            Task { id }
        }))
    }

    /// Forgets a task that has been executed.
    ///
    /// # Errors
    /// [`Error::NotRunning`] if nobody has acquired this task, or if it was ended already.
    pub async fn end_task(&self, id: i64) -> Result<(), Error> {
        let mut tasks = self.lock();
        if tasks.statuses.get(&id) != Some(&TaskStatus::Running) {
            return Err(Error::NotRunning { id });
        }
        tasks.statuses.remove(&id);
        Ok(())
    }

    /// Counts the tasks that have this status.
    ///
    /// # Errors
    /// None: memory doesn't refuse.
    pub async fn count_tasks(&self, status: TaskStatus) -> Result<usize, Error> {
        let tasks = self.lock();
        Ok(tasks.statuses.values().filter(|&&s| s == status).count())
    }

    fn lock(&self) -> MutexGuard<'_, Tasks> {
        // Nothing under this lock can panic half-way through a change: the content is sound.
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
