use std::str::FromStr;

use crate::Error;

/// Which tasks come first, among those that are due.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Before the others: somebody is waiting for it.
    High,
    /// As most tasks.
    #[default]
    Normal,
    /// When there is nothing else to do, or its turn has come.
    Low,
}

impl Priority {
    /// All of them, the first to be executed first.
    pub const ALL: [Self; 3] = [Self::High, Self::Normal, Self::Low];

    /// The word that stands for this priority in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }
}

impl FromStr for Priority {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self, Error> {
        let mut all = Self::ALL.into_iter();
        all.find(|priority| priority.as_str() == word)
            .ok_or_else(|| Error::UnknownPriority(word.to_owned()))
    }
}
