//! Merging the edit of one step into the next one, both masked.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;

use crate::git::Git;
use crate::{Change, Tree, manifest};

/// The next step with the edit in it.
pub(super) struct Merged {
    /// Its files, some with conflict markers.
    pub(super) tree: Tree,
    /// Those with conflict markers.
    pub(super) conflicts: Tree,
    /// The snapshots that were left as they were.
    pub(super) snapshots: Vec<String>,
}

/// Merges what the step `from` has become since `before` into the step `into`, whose files are `ours`.
pub(super) fn merge(
    git: &Git,
    [from, into]: [&str; 2],
    [before, after, ours]: [&Tree; 3],
) -> Result<Merged> {
    let mut merged = Merged {
        tree: ours.clone(),
        conflicts: Tree::new(),
        snapshots: Vec::new(),
    };
    let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for path in paths {
        let [old, new, own] = [before, after, ours].map(|tree| tree.get(path));
        if old == new || own == new {
            continue;
        }
        let (text, conflict) = match (own, new) {
            _ if own == old => (new.cloned(), false),
            (Some(own), Some(new)) => {
                let old = old.map_or("", String::as_str);
                let labels = [into, &format!("{from} before the edit"), from];
                let (text, conflict) = git.merge([own, old, new], labels)?;
                (Some(text), conflict)
            }
            (Some(own), None) => (
                Some(format!(
                    "<<<<<<< {into}\n{own}=======\n>>>>>>> {from} (deleted)\n"
                )),
                true,
            ),
            (None, _) => {
                let edit = Change::new(path, old.cloned(), new.cloned());
                (
                    Some(format!(
                        "<<<<<<< {into} (no such file)\n{edit}>>>>>>> {from}\n"
                    )),
                    true,
                )
            }
        };
        if conflict && own.is_some() && Path::new(path).extension().is_some_and(|end| end == "snap")
        {
            // A merged snapshot is a guess; the tests write the true one.
            merged.snapshots.push(path.clone());
            continue;
        }
        match text {
            Some(text) if conflict && path == manifest::FILE => {
                merged.conflicts.insert(path.clone(), comment_out(&text))
            }
            Some(text) if conflict => merged.conflicts.insert(path.clone(), text),
            Some(text) => merged.tree.insert(path.clone(), text),
            None => merged.tree.remove(path),
        };
    }
    merged.tree.extend(merged.conflicts.clone());
    Ok(merged)
}

/// Comments out the conflicts of a manifest, all but the step's own lines: cargo reads the manifests
/// of all the steps before it runs anything, so a broken one would keep this program from ending
/// what it began.
fn comment_out(text: &str) -> String {
    let mut commented = String::new();
    let mut own = true;
    for line in text.split_inclusive('\n') {
        let is_marker = is_marker(line) || line.starts_with("=======");
        if line.starts_with("||||||| ") || line.starts_with("=======") {
            own = false;
        }
        if is_marker || !own {
            commented.push_str("# ");
        }
        if line.starts_with(">>>>>>> ") {
            own = true;
        }
        commented.push_str(line);
    }
    commented
}

/// Whether a text still has conflict markers.
pub(super) fn has_markers(text: &str) -> bool {
    text.lines()
        .any(|line| is_marker(line.strip_prefix("# ").unwrap_or(line)))
}

/// `=======` isn't one by itself: it also underlines titles.
fn is_marker(line: &str) -> bool {
    ["<<<<<<< ", "||||||| ", ">>>>>>> "]
        .iter()
        .any(|marker| line.starts_with(marker))
}
