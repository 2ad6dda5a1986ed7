/// Which tasks are to be cancelled: those that wait or run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// The task of this number.
    Task(i64),
    /// All those of this kind.
    Kind(String),
    /// All those that belong to the same thing: they have this correlation id.
    Correlation(String),
}

/// What has become of tasks that somebody has cancelled.
#[must_use]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cancelled {
    /// How many were waiting, and won't be executed.
    pub waiting: usize,
    /// How many are running: they are asked to stop.
    pub running: usize,
}
