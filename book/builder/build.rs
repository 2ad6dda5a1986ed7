//! Builds the HTML.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use mdbook_driver::MDBook;

use crate::expand::expand;
use crate::french;
use crate::library::Library;
use crate::shown::Shown;
use crate::{settings, sources};

/// The root of the repository: the nearest folder above `from` that has a
/// `book/book.toml`.
///
/// # Errors
/// When there is none.
pub fn root(from: &Path) -> Result<PathBuf> {
    let found = from
        .ancestors()
        .find(|folder| folder.join("book/book.toml").is_file());
    found.map(Path::to_owned).with_context(|| {
        format!(
            "no folder above {} has a book/book.toml: run this from the repository",
            from.display()
        )
    })
}

/// Where the HTML goes when nothing else is asked for.
#[must_use]
pub fn site(root: &Path) -> PathBuf {
    root.join("book/book")
}

/// Builds the book of the repository at `root` into `site`, and tells how much of each step its
/// chapter shows.
///
/// # Errors
/// When a directive is wrong, when mdBook fails, or when its pages no longer
/// hold a text to translate.
pub fn build(root: &Path, site: &Path) -> Result<Shown> {
    let folder = root.join("book");
    let (mut config, settings) = settings::load(&folder)?;
    site.clone_into(&mut config.build.build_dir);
    let title = config.book.title.clone().unwrap_or_default();
    let mut book = MDBook::load_with_config(&folder, config)?;
    let shown = expand(&Library::load(root)?, &settings, &mut book.book)?;
    book.build()?;
    french::translate(site, &folder.join("src"))?;
    sources::publish(root, site, &title)?;
    Ok(shown)
}
