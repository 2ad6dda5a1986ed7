/// What can go wrong in the engine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Only a running task can be ended.
    #[error("task {id} is not running, so it can't be ended")]
    NotRunning {
        /// The task that was to be ended.
        id: i64,
    },
}
