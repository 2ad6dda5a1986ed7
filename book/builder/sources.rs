//! Copies of the files that the captions lead to, as pages of the site.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use anyhow::{Context as _, Result};
use regex::Regex;

use crate::files::{self, read, write};
use crate::html;

/// In the colours of the reader's system.
const PAGE: &str = include_str!("../theme/source.html");

static LINK: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"class="source" href="(?:\.\./)*(steps/[^"]+)\.html""#)
        .expect("the pattern is a constant")
});

/// Writes a page for each file of the steps, of the repository at `root`, that a page of `site`
/// leads to.
pub fn publish(root: &Path, site: &Path, title: &str) -> Result<()> {
    let mut linked = BTreeSet::new();
    for path in files::pages(site)? {
        let page = read(&path)?;
        linked.extend(LINK.captures_iter(&page).map(|link| link[1].to_owned()));
    }
    for place in linked {
        let page = site.join(format!("{place}.html"));
        let folder = page.parent().context("a file of a step is in a folder")?;
        fs::create_dir_all(folder).with_context(|| format!("can't make {}", folder.display()))?;
        write(&page, &render(&place, &read(&root.join(&place))?, title))?;
    }
    Ok(())
}

/// A page that needs nothing but itself.
fn render(place: &str, text: &str, title: &str) -> String {
    let home = "../".repeat(place.matches('/').count());
    let page = PAGE.replace("[PLACE]", place).replace("[HOME]", &home);
    let page = page.replace("[TITLE]", &html::escape(title));
    // Last, as it may hold anything.
    page.replace("[TEXT]", &html::escape(text).replace("&#10;", "\n"))
}
