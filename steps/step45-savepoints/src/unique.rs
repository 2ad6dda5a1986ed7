/// What becomes of the task that has the unique key already, if it waits: one that runs is left as
/// it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum IfExists {
    /// It is left as it is.
    #[default]
    Keep,
    /// It gets the parameters of the one that isn't created.
    Replace,
    /// It is executed when the one that isn't created would have been.
    Move,
}

/// What a creation has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// The task of this number is new.
    New(i64),
    /// The task of this number has the unique key already. It waits, and is changed.
    Changed(i64),
    /// The task of this number has the unique key already. It is left as it is.
    Existing(i64),
}

impl Created {
    /// The number of the task.
    pub fn id(self) -> i64 {
        match self {
            Self::New(id) | Self::Changed(id) | Self::Existing(id) => id,
        }
    }
}
