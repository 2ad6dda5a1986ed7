/// A task that a worker has acquired.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Its number: tasks are numbered from 1, in the order of their creation.
    pub id: i64,
}
