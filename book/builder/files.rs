//! Files, with errors that say which.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// The files in a folder and in its folders.
///
/// # Errors
/// When a folder can't be read.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries =
        fs::read_dir(folder).with_context(|| format!("can't read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The pages of a site.
///
/// # Errors
/// When a folder can't be read.
pub fn pages(site: &Path) -> Result<Vec<PathBuf>> {
    let mut pages = files(site)?;
    pages.retain(|path| path.extension().is_some_and(|end| end == "html"));
    Ok(pages)
}

/// The text of a file.
///
/// # Errors
/// When it can't be read.
pub fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))
}

/// Writes the text of a file.
///
/// # Errors
/// When it can't be written.
pub fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("can't write {}", path.display()))
}
