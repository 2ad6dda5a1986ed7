//! Patches: the whole difference of a step, as `git apply` reads it.

use std::fmt;
use std::path::Path;

use crate::change::hunks;
use crate::{Change, Line, Tag};

/// The unified patch of these changes.
#[must_use]
pub fn patch(changes: &[Change]) -> String {
    changes.iter().map(Change::to_string).collect()
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        writeln!(formatter, "diff --git a/{path} b/{path}")?;
        let (mut old, mut new) = (format!("a/{path}"), format!("b/{path}"));
        if self.old.is_none() {
            writeln!(formatter, "new file mode 100644")?;
            "/dev/null".clone_into(&mut old);
        } else if self.new.is_none() {
            writeln!(formatter, "deleted file mode 100644")?;
            "/dev/null".clone_into(&mut new);
        }
        // As in git: an empty file has no hunk, hence nothing to introduce.
        if !self.lines.is_empty() {
            writeln!(formatter, "--- {old}\n+++ {new}")?;
        }
        for hunk in hunks(&self.lines, |_| true, |line| line.tag != Tag::Kept) {
            let old = range(&hunk, |line| line.old);
            let new = range(&hunk, |line| line.new);
            let item = self.item_above(hunk[0]).unwrap_or_default();
            writeln!(
                formatter,
                "{}",
                format!("@@ -{old} +{new} @@ {item}").trim_end()
            )?;
            for line in hunk {
                write!(formatter, "{line}")?;
            }
        }
        Ok(())
    }
}

impl Change {
    /// The nearest line above this one that opens a Rust item, as git's driver for Rust finds it.
    fn item_above(&self, line: &Line) -> Option<&str> {
        let rust = Path::new(&self.path).extension()? == "rs";
        let above = self.old.as_deref()?.lines().take(line.old? - 1);
        above.filter(|line| rust && is_item(line)).last()
    }
}

fn is_item(line: &str) -> bool {
    let mut words = line.split([' ', '<', '(']).filter(|word| !word.is_empty());
    let keyword = words.find(|word| {
        !matches!(
            *word,
            "pub" | "crate)" | "super)" | "async" | "const" | "unsafe"
        )
    });
    let opens = ["enum", "fn", "impl", "mod", "struct", "trait"];
    keyword.is_some_and(|keyword| opens.contains(&keyword)) && !line.ends_with(';')
}

/// A range of a hunk's header: where it begins, and its length unless it is 1.
fn range(hunk: &[&Line], number: fn(&Line) -> Option<usize>) -> String {
    let numbers: Vec<usize> = hunk.iter().filter_map(|line| number(line)).collect();
    match numbers.as_slice() {
        // With lines of context, only that of a file that isn't there is empty.
        [] => "0,0".to_owned(),
        [only] => only.to_string(),
        [first, ..] => format!("{first},{}", numbers.len()),
    }
}

impl fmt::Display for Line {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.tag {
            Tag::Kept => ' ',
            Tag::Deleted => '-',
            Tag::Added => '+',
        };
        write!(formatter, "{sign}{}", self.text)?;
        if !self.text.ends_with('\n') {
            writeln!(formatter, "\n\\ No newline at end of file")?;
        }
        Ok(())
    }
}
