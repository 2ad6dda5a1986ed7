use crate::Task;

/// What a task sees of the engine that executes it; cheap to clone.
#[derive(Debug, Clone)]
pub struct Context {
    /// The task.
    pub task: Task,
}
