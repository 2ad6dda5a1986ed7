use crate::Clock;

/// How a store is opened: `StoreOptions { synchronous: Synchronous::Normal, ..Default::default() }`.
#[derive(Debug, Clone, Default)]
pub struct StoreOptions {
    /// Where it reads the time.
    pub clock: Clock,
    /// What its commits wait for.
    pub synchronous: Synchronous,
}

/// What a commit waits for, and so what a power cut, or a crash of the system, may take: the end of
/// the program, however brutal, takes nothing. It is a setting of this store, and not of the file:
/// others may write there with another one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// The disk: what is committed stays, and so does all that was committed before.
    #[default]
    Full,
    /// Nothing: the last commits may be undone, the newest first, each as a whole. The database is
    /// sound, but numbers that were given to tasks are given again, and tasks that had been executed
    /// are executed once more.
    Normal,
}

impl Synchronous {
    /// As SQLite tells it when it is asked.
    pub(super) fn level(self) -> &'static str {
        match self {
            Self::Full => "2",
            Self::Normal => "1",
        }
    }
}
