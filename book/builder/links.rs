//! Follows every link of the built pages that stays in the book.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::LazyLock;

use anyhow::Result;
use percent_encoding::percent_decode_str;
use regex::Regex;

use crate::files::{self, read};
use crate::problem::Problem;

/// All the chapters on one page: it repeats what is wrong with them.
const PRINTED: &str = "print.html";

static SCRIPT: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?s)<script\b[^>]*>.*?</script>"));
static TAG: LazyLock<Regex> = LazyLock::new(|| pattern(r"<[a-z][^<>]*>"));
static ATTRIBUTE: LazyLock<Regex> = LazyLock::new(|| pattern(r#"\s(href|src|id)="([^"]*)""#));
static EXTERNAL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^(?:https?://[\w.-]+\.[a-z]{2,}(?::\d+)?(?:[/?#]\S*)?|mailto:\S+@\S+)$")
});

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is a constant")
}

/// What a page offers and asks for.
struct Page {
    anchors: BTreeSet<String>,
    targets: BTreeSet<String>,
}

/// The dead links of the site built in `site` from the repository at `root`.
pub fn check(root: &Path, site: &Path) -> Result<Vec<Problem>> {
    let mut pages = BTreeMap::new();
    for path in files::pages(site)? {
        let text = read(&path)?;
        let place = path.strip_prefix(site)?.to_owned();
        pages.insert(place, parse(&text));
    }
    let site = Site {
        root,
        folder: site,
        pages,
    };
    let (mut printed, mut problems): (Vec<_>, Vec<_>) = site
        .problems()
        .into_iter()
        .partition(|problem| problem.file == PRINTED);
    if problems.is_empty() {
        problems.append(&mut printed);
    }
    Ok(problems)
}

fn parse(html: &str) -> Page {
    let html = SCRIPT.replace_all(html, "");
    let mut page = Page {
        anchors: BTreeSet::new(),
        targets: BTreeSet::new(),
    };
    let tags = TAG.find_iter(&html);
    // The page of the server's «not found» says where the site is.
    for tag in tags.filter(|tag| !tag.as_str().starts_with("<base")) {
        for attribute in ATTRIBUTE.captures_iter(tag.as_str()) {
            let value = attribute[2].replace("&amp;", "&");
            if &attribute[1] == "id" {
                page.anchors.insert(value);
            } else {
                page.targets.insert(value);
            }
        }
    }
    page
}

struct Site<'a> {
    root: &'a Path,
    folder: &'a Path,
    pages: BTreeMap<PathBuf, Page>,
}

impl Site<'_> {
    fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (place, page) in &self.pages {
            for target in &page.targets {
                if let Some(message) = self.complaint(place, target) {
                    problems.push(self.locate(place, target, message));
                }
            }
        }
        problems
    }

    /// What is wrong with a target, seen from a page.
    fn complaint(&self, from: &Path, target: &str) -> Option<String> {
        if target.contains(':') || target.starts_with("//") {
            let fine = EXTERNAL.is_match(target) || target.starts_with("data:");
            return (!fine).then(|| format!("`{target}` isn't an address"));
        }
        let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
        let path = path.split('?').next().unwrap_or_default();
        let place = if path.is_empty() {
            from.to_owned()
        } else if let Some(path) = path.strip_prefix('/') {
            PathBuf::from(decode(path))
        } else {
            join(from.parent().unwrap_or(Path::new("")), &decode(path))
        };
        let anchor = decode(anchor);
        match self.pages.get(&place) {
            Some(page) if anchor.is_empty() || page.anchors.contains(&anchor) => None,
            Some(_) => Some(format!(
                "dead anchor: {} has no `#{anchor}`",
                place.display()
            )),
            None if self.exists(&place) => None,
            None => Some(format!("dead link: `{target}` leads nowhere")),
        }
    }

    /// A file of the site: what isn't in it isn't published.
    fn exists(&self, place: &Path) -> bool {
        let path = self.folder.join(place);
        !place.starts_with("..") && (path.is_file() || path.join("index.html").is_file())
    }

    /// The chapter of a page, and the line that holds the link if it can be told.
    fn locate(&self, place: &Path, target: &str, message: String) -> Problem {
        let chapter = Path::new("book/src").join(place.with_extension("md"));
        let Ok(text) = fs::read_to_string(self.root.join(&chapter)) else {
            return Problem::of(place.display().to_string(), message);
        };
        let written = [decode(target), decode(target).replacen(".html", ".md", 1)];
        let holds = |line: &str| {
            let line = decode(line);
            written.iter().any(|target| {
                line.contains(&format!("({target}")) || line.contains(&format!(": {target}"))
            })
        };
        Problem {
            file: chapter.display().to_string(),
            line: text.lines().position(holds).map(|index| index + 1),
            message,
        }
    }
}

/// `folder/path`, with its `..` resolved as far as the root of the site.
pub fn join(folder: &Path, path: &str) -> PathBuf {
    let mut joined = folder.to_owned();
    for component in Path::new(path).components() {
        match component {
            Component::ParentDir if joined.file_name().is_some() => {
                joined.pop();
            }
            Component::CurDir => {}
            other => joined.push(other),
        }
    }
    joined
}

/// Undoes the percent encoding of accents and spaces.
pub fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_are_decoded() {
        assert_eq!(decode("l%C3%A9tat%2"), "létat%2");
    }

    #[test]
    fn parents_go_up_to_the_root_and_beyond() {
        assert_eq!(join(Path::new("a"), "../b.html"), Path::new("b.html"));
        assert_eq!(
            join(Path::new(""), "../../steps/x"),
            Path::new("../../steps/x")
        );
    }
}
