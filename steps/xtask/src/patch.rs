//! Patches: the whole difference of a step, as `git apply` reads it.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use crate::Change;

/// The unified patch of these changes.
#[must_use]
pub fn patch(changes: &[Change]) -> String {
    changes.iter().map(Change::to_string).collect()
}

impl Change {
    /// The lines that introduce the change in a patch, before its hunks.
    #[must_use]
    pub fn header(&self) -> String {
        let path = &self.path;
        let mut header = format!("diff --git a/{path} b/{path}\n");
        let (mode, old, new) = match (&self.old, &self.new) {
            (None, _) => (
                "new file mode 100644\n",
                "/dev/null".to_owned(),
                format!("b/{path}"),
            ),
            (_, None) => (
                "deleted file mode 100644\n",
                format!("a/{path}"),
                "/dev/null".to_owned(),
            ),
            _ => ("", format!("a/{path}"), format!("b/{path}")),
        };
        header.push_str(mode);
        // As in git: an empty file has no hunk, hence nothing to introduce.
        if self.size() != (0, 0) {
            // Writing to a String can't fail.
            let _ = writeln!(header, "--- {old}\n+++ {new}");
        }
        header
    }
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.header())?;
        for hunk in self.hunks() {
            writeln!(formatter, "{}", hunk.header())?;
            for line in &hunk.lines {
                write!(formatter, "{line}")?;
            }
        }
        Ok(())
    }
}

/// For each file of a patch, how many times more each line occurs after it than before.
pub(crate) type Balance = BTreeMap<String, BTreeMap<String, i64>>;

/// Counts the lines that a patch adds and deletes. It doesn't depend on where the hunks are.
pub(crate) fn balance(text: &str) -> Balance {
    let mut balance = Balance::new();
    let mut path = String::new();
    let mut in_hunk = false;
    for line in text.lines() {
        if let Some(names) = line.strip_prefix("diff --git a/") {
            // Both halves, `x b/x`, are the same path.
            names[..names.len().saturating_sub(3) / 2].clone_into(&mut path);
            in_hunk = false;
        } else if line.starts_with("@@ ") {
            in_hunk = true;
        } else if in_hunk && let Some((sign, rest)) = line.split_at_checked(1) {
            let by = match sign {
                "+" => 1,
                "-" => -1,
                _ => continue,
            };
            let file = balance.entry(path.clone()).or_default();
            *file.entry(rest.to_owned()).or_default() += by;
        }
    }
    balance
}
