//! Builds the HTML.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use anyhow::{Context as _, Result};
use mdbook_driver::MDBook;
use mdbook_driver::config::Config;

use crate::files::read;
use crate::french;
use crate::preprocess::{Directives, NAME};

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

/// Builds the book of the repository at `root` into `site`.
///
/// # Errors
/// When a directive is wrong, when mdBook fails, or when its pages no longer
/// hold a text to translate.
pub fn build(root: &Path, site: &Path) -> Result<()> {
    let book = root.join("book");
    let mut config = config(&book)?;
    site.clone_into(&mut config.build.build_dir);
    let mut book = MDBook::load_with_config(&book, config)?;
    book.with_preprocessor(Directives::new(root));
    book.build()?;
    french::translate(site, &book.root.join("src"))
}

/// `book.toml`, less the command that runs our preprocessor under `mdbook`:
/// here it runs in process.
fn config(book: &Path) -> Result<Config> {
    let path = book.join("book.toml");
    let text = read(&path)?;
    let mut table: toml::Table = text
        .parse()
        .with_context(|| format!("can't read {}", path.display()))?;
    if let Some(toml::Value::Table(preprocessors)) = table.get_mut("preprocessor") {
        preprocessors.remove(NAME);
    }
    Config::from_str(&table.to_string())
}
