//! Merging the edit of one step into the next one, both masked.

use std::collections::BTreeSet;

use crate::git::{Git, MergedText};
use crate::{Error, Tree, manifest};

/// An edit of one step.
pub(super) struct Edit<'a> {
    /// The step's slug.
    pub(super) slug: &'a str,
    /// The step's files before the edit.
    pub(super) before: &'a Tree,
    /// The step's files now.
    pub(super) after: &'a Tree,
}

/// The next step with the edit in it.
#[derive(Default)]
pub(super) struct Merged {
    /// Its files, some with conflict markers.
    pub(super) tree: Tree,
    /// Those with conflict markers.
    pub(super) conflicts: Vec<String>,
    /// What somebody should know of the other ones.
    pub(super) notes: Vec<String>,
}

/// Merges an edit into the next step, `slug`, whose files are `ours`.
pub(super) fn merge(git: &Git, edit: &Edit, slug: &str, ours: &Tree) -> Result<Merged, Error> {
    let mut merged = Merged {
        tree: ours.clone(),
        ..Merged::default()
    };
    let paths: BTreeSet<&String> = edit.before.keys().chain(edit.after.keys()).collect();
    for path in paths {
        let (before, after) = (edit.before.get(path), edit.after.get(path));
        let own = ours.get(path);
        if before == after || own == after {
            continue;
        }
        if own == before {
            merged.set(path, after.cloned());
        } else if let Some(own) = own {
            let result = conflicting(git, edit, slug, [Some(own), before, after])?;
            merged.settle(path, own, result, slug);
        } else {
            let note = format!(
                "{path}: edited in `{}`, but `{slug}` has no such file",
                edit.slug
            );
            merged.notes.push(note);
        }
    }
    Ok(merged)
}

/// Merges a file that both sides have changed; `own` exists.
fn conflicting(
    git: &Git,
    edit: &Edit,
    slug: &str,
    [own, before, after]: [Option<&String>; 3],
) -> Result<MergedText, Error> {
    let own = own.map_or("", String::as_str);
    let before = before.map_or("", String::as_str);
    let Some(after) = after else {
        return Ok(MergedText {
            text: format!(
                "<<<<<<< {slug}\n{own}=======\n>>>>>>> {} (deleted)\n",
                edit.slug
            ),
            conflict: true,
        });
    };
    let base_label = format!("{} before the edit", edit.slug);
    git.merge([own, before, after], [slug, &base_label, edit.slug])
}

impl Merged {
    fn set(&mut self, path: &str, text: Option<String>) {
        match text {
            Some(text) => self.tree.insert(path.to_owned(), text),
            None => self.tree.remove(path),
        };
    }

    fn settle(&mut self, path: &str, own: &str, result: MergedText, slug: &str) {
        if !result.conflict {
            self.set(path, Some(result.text));
        } else if is_snapshot(path) {
            // A merged snapshot is a guess; the tests write the true one.
            self.set(path, Some(own.to_owned()));
            self.notes.push(format!(
                "{path}: a conflict in a snapshot, left as it was in `{slug}`: run INSTA_UPDATE=always cargo test -p PACKAGE for this step, and review the difference"
            ));
        } else {
            let text = if path == manifest::FILE {
                comment_out(&result.text)
            } else {
                result.text
            };
            self.set(path, Some(text));
            self.conflicts.push(path.to_owned());
        }
    }
}

fn is_snapshot(path: &str) -> bool {
    std::path::Path::new(path)
        .extension()
        .is_some_and(|extension| extension == "snap")
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
