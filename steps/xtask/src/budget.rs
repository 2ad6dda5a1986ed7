//! How large a step's difference may be, so that a reader can take it in.

use crate::{Change, Step};

/// Changed lines, and deletions among them, that a step aims at.
const AIM: (usize, usize) = (120, 15);
/// Changed lines, and deletions among them, above which a step owes its reader an excuse.
const LIMIT: (usize, usize) = (200, 30);

/// The size of a step's difference in `src/`.
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
    /// It is too large, and says why.
    Excused,
    /// It is too large, and doesn't say why.
    Over,
}

impl Size {
    /// Counts the changes in `src/`.
    #[must_use]
    pub fn of(changes: &[Change]) -> Self {
        let mut size = Self::default();
        for change in changes
            .iter()
            .filter(|change| change.path.starts_with("src/"))
        {
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
        if step.number == 1 {
            Budget::First
        } else if self.within(AIM) {
            Budget::Kept
        } else if self.within(LIMIT) {
            Budget::AboveAim
        } else if step.excuse.is_some() {
            Budget::Excused
        } else {
            Budget::Over
        }
    }

    fn within(&self, (changed, deleted): (usize, usize)) -> bool {
        self.added + self.deleted <= changed && self.deleted <= deleted
    }
}
