//! The text files of a folder, in memory.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow};

/// The files of a step: path relative to the step's folder, with `/` separators → text.
pub type Tree = BTreeMap<String, String>;

/// Tells whether the file or folder at this relative path is a part of a step's source.
///
/// Build products, databases left by a run, snapshots under review and hidden files are not.
pub(crate) fn is_source(path: &str) -> bool {
    path.split('/').all(|name| {
        !(name.is_empty()
            || name.starts_with('.')
            || name == "target"
            || name.ends_with(".snap.new")
            || name.ends_with(".pending-snap")
            || is_database(name))
    })
}

/// `name.db`, and its companions (`name.db-wal`, `name.db-shm`).
fn is_database(name: &str) -> bool {
    Path::new(name)
        .extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| extension == "db" || extension.starts_with("db-"))
}

/// The relative paths of the source files under `folder`, sorted; none if it doesn't exist.
fn paths(folder: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    if folder.exists() {
        visit(folder, "", &mut found)?;
    }
    found.sort();
    Ok(found)
}

fn visit(folder: &Path, prefix: &str, found: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("can't read {}", folder.display()))? {
        let entry = entry?;
        let path = entry.path();
        let name = entry
            .file_name()
            .into_string()
            .map_err(|_| not_text(&path))?;
        let relative = format!("{prefix}{name}");
        if !is_source(&relative) {
            continue;
        }
        if path.is_dir() {
            visit(&path, &format!("{relative}/"), found)?;
        } else {
            found.push(relative);
        }
    }
    Ok(())
}

/// Reads every source file under `folder`.
pub(crate) fn read(folder: &Path) -> Result<Tree> {
    paths(folder)?
        .into_iter()
        .map(|relative| {
            let text = read_text(&folder.join(&relative))?;
            Ok((relative, text))
        })
        .collect()
}

/// Reads one text file.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("can't read {}", path.display()))?;
    String::from_utf8(bytes).map_err(|_| not_text(path))
}

fn not_text(path: &Path) -> anyhow::Error {
    anyhow!(
        "{} is not UTF-8 text: a step holds text files only; move this file out of the step",
        path.display()
    )
}

/// Writes one file, with the folders that lead to it.
pub(crate) fn write_text(path: &Path, text: &str) -> Result<()> {
    path.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(path, text))
        .with_context(|| format!("can't write {}", path.display()))
}

/// Makes the source files of `folder` those of `tree`: writes what differs, deletes what is not in
/// it, and the folders this leaves empty.
pub(crate) fn replace(folder: &Path, tree: &Tree) -> Result<()> {
    let present = paths(folder)?;
    for (relative, text) in tree {
        let path = folder.join(relative);
        // Rewriting an unchanged file would make cargo rebuild for nothing.
        if !fs::read(&path).is_ok_and(|bytes| bytes == text.as_bytes()) {
            write_text(&path, text)?;
        }
    }
    for relative in present {
        if !tree.contains_key(&relative) {
            remove(folder, &relative)?;
        }
    }
    Ok(())
}

fn remove(folder: &Path, relative: &str) -> Result<()> {
    let path = folder.join(relative);
    fs::remove_file(&path).with_context(|| format!("can't delete {}", path.display()))?;
    let parents = Path::new(relative).ancestors().skip(1);
    for parent in parents.filter(|parent| !parent.as_os_str().is_empty()) {
        // Fails on a folder that still holds something, which is what we want.
        if fs::remove_dir(folder.join(parent)).is_err() {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::is_source;

    #[test]
    fn what_a_run_leaves_behind_is_not_source() {
        for path in [
            "target/debug/x.rs",
            "task_engine.db",
            "task_engine.db-wal",
            "tests/snapshots/a.snap.new",
            "src/.lib.rs.swp",
        ] {
            assert!(!is_source(path), "{path}");
        }
        for path in [
            "src/lib.rs",
            "tests/snapshots/a.snap",
            "migrations/01_x.sql",
        ] {
            assert!(is_source(path), "{path}");
        }
    }
}
