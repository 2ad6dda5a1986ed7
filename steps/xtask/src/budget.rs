//! How large a step's difference may be, so that a reader can take it in.

use crate::{Change, Step};

/// Changed lines that a step aims at.
const AIM: usize = 120;
/// Added lines that a step never exceeds.
const ADDED: usize = 250;
/// The same for the step that puts everything together.
const ADDED_IN_LAST: usize = 400;
/// Deleted lines that no step exceeds.
const DELETED: usize = 40;
/// The step that puts everything together.
const LAST: &str = "full";

/// The folders that count: the library, the program and their schema.
const COUNTED: [&str; 2] = ["src/", "migrations/"];

/// The size of a step's difference in `src/` and `migrations/`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Added lines.
    pub added: usize,
    /// Deleted lines.
    pub deleted: usize,
    /// Files that were added, changed or deleted.
    pub files: usize,
}

/// What a step's size means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// It is the first step, which isn't a difference.
    First,
    /// It is as small as steps should be.
    Kept,
    /// It is larger than steps aim at, and still acceptable.
    AboveAim,
    /// It is two steps: no step adds and deletes more than this.
    Over {
        /// The most lines that it may add.
        added: usize,
        /// The most lines that it may delete.
        deleted: usize,
    },
}

impl Size {
    /// Counts the changes in `src/` and `migrations/`.
    #[must_use]
    pub fn of(changes: &[Change]) -> Self {
        let mut size = Self::default();
        for change in changes.iter().filter(|change| counts(&change.path)) {
            let (added, deleted) = change.size();
            size.added += added;
            size.deleted += deleted;
            size.files += 1;
        }
        size
    }

    /// Judges the size of this step's difference.
    #[must_use]
    pub fn budget(&self, step: &Step) -> Budget {
        let added = if step.slug == LAST {
            ADDED_IN_LAST
        } else {
            ADDED
        };
        if step.number == 1 {
            Budget::First
        } else if self.added > added || self.deleted > DELETED {
            Budget::Over {
                added,
                deleted: DELETED,
            }
        } else if self.added + self.deleted > AIM {
            Budget::AboveAim
        } else {
            Budget::Kept
        }
    }
}

/// Whether the lines of this file count.
#[must_use]
pub fn counts(path: &str) -> bool {
    COUNTED.iter().any(|folder| path.starts_with(folder))
}
