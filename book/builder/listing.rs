//! Listings and diffs of the steps, with what they cover.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, ensure};
use xtask::{Change, Line, Step, Tag};

use crate::diff;
use crate::directive;
use crate::excerpt::Excerpt;
use crate::html;
use crate::item;
use crate::page::Page;
use crate::place;

/// `{{#item SLUG FILE ITEM}}`: one item of a file.
pub fn item(page: &mut Page, slug: &str, path: &str, name: &str) -> Result<String> {
    let step = page.library.step(slug)?;
    let text = page.library.source(step, path)?;
    let place = item::find(path, text, name)?;
    let code = item::extract(text, &place.lines);

    let normalised = page.library.normalised(step, path)?;
    let covered = item::find(path, normalised, name)?.lines;
    let target = place::of_item(page, step, path, name)?;
    let caption = with_place(caption(page, step, path), target);
    let listing = listing(&caption, path, &code);
    page.coverage(step).listing(path, covered);
    Ok(listing)
}

/// `{{#file SLUG FILE}}`: a whole file.
pub fn file(page: &mut Page, slug: &str, path: &str) -> Result<String> {
    let step = page.library.step(slug)?;
    let text = page.library.source(step, path)?;
    ensure!(!text.trim().is_empty(), "{path} is empty");
    let target = place::of_file(page, step, path);
    let caption = with_place(caption(page, step, path), target);
    let listing = listing(&caption, path, text.trim_end());
    cover_whole(page, step, path)?;
    Ok(listing)
}

/// `{{#snapshot SLUG FILE [LANGUAGE]}}`: an insta snapshot, without its header.
pub fn snapshot(page: &mut Page, slug: &str, path: &str, language: &str) -> Result<String> {
    let step = page.library.step(slug)?;
    let text = page.library.source(step, path)?;
    let (_, content) = text
        .strip_prefix("---\n")
        .and_then(|rest| rest.split_once("\n---\n"))
        .with_context(|| format!("{path} doesn't begin like an insta snapshot"))?;
    ensure!(!content.trim().is_empty(), "{path} is empty");
    let code = html::escape(content.trim_matches('\n'));
    let body = html::pre("plain", language, &code);
    let figure = html::figure("listing snapshot", &caption(page, step, path), &body);
    cover_whole(page, step, path)?;
    Ok(figure)
}

/// `{{#diff SLUG FILE [ITEM, …]}}`: what the step changes in a file.
pub fn diff(page: &mut Page, slug: &str, path: &str, items: &[&str]) -> Result<String> {
    let step = page.library.step(slug)?;
    let change = page.library.change(step, path)?;
    ensure!(!change.lines.is_empty(), "{path} is empty");
    let names = directive::names(items);
    if change.old.is_none() && names.is_empty() {
        return new_file(page, step, change);
    }
    let lines = if names.is_empty() {
        change.lines.iter().collect()
    } else {
        diff::within(change, &names)?
    };
    let changes = |line: &Line| line.tag != Tag::Kept;
    let excerpt = Excerpt::new(change, |line| lines.contains(&line), changes);
    let figure = compared(page, step, &excerpt, path);
    page.coverage(step).diff(path, lines);
    Ok(figure)
}

/// `{{#rest SLUG PATH…}}`: what the chapter has not shown yet, folded file by file.
pub fn rest(page: &mut Page, slug: &str, paths: &[&str]) -> Result<String> {
    let step = page.library.step(slug)?;
    let mut files = String::new();
    for path in paths {
        files.push_str(&remains(page, step, path)?);
    }
    Ok(format!(
        "<details class=\"rest\"><summary>Le reste du diff</summary>{files}</details>"
    ))
}

/// What is left of a file, or of a folder when `path` ends in `/`.
fn remains(page: &mut Page, step: &Step, path: &str) -> Result<String> {
    let library = page.library;
    let listed = |change: &&Change| {
        if path.ends_with('/') {
            change.path.starts_with(path)
        } else {
            change.path == path
        }
    };
    let mut files = String::new();
    for change in library.changes(step).iter().filter(listed) {
        let missing = page.coverage(step).missing(change);
        if missing.is_empty() {
            continue;
        }
        let excerpt = Excerpt::new(change, |_| true, |line| missing.contains(&line));
        let figure = compared(page, step, &excerpt, &change.path);
        let id = format!("{}-{}", step.slug, change.path.replace('/', "-"));
        let _ = write!(
            files,
            "<details id=\"{id}\"><summary>{}{}</summary>{figure}</details>",
            change.path,
            excerpt.place()
        );
        page.coverage(step).diff(&change.path, missing);
    }
    ensure!(
        !files.is_empty(),
        "nothing is left to show of {path} in {}: it doesn't change, or the chapter shows it already",
        step.package
    );
    Ok(files)
}

/// The figure of a diff. Its caption says that it is one, to those who don't see its colours.
fn compared(page: &Page, step: &Step, excerpt: &Excerpt, path: &str) -> String {
    let caption = format!(
        "<span class=\"hidden-text\">Diff\u{a0}: </span>{}{}",
        caption(page, step, path),
        excerpt.place()
    );
    html::figure("listing", &caption, &excerpt.body())
}

/// A new file has nothing to be compared with: it is shown as a listing.
fn new_file(page: &mut Page, step: &Step, change: &Change) -> Result<String> {
    let text = page.library.source(step, &change.path)?;
    let place = Some("nouveau fichier".to_owned());
    let caption = with_place(caption(page, step, &change.path), place);
    let listing = listing(&caption, &change.path, text.trim_end());
    page.coverage(step).diff(&change.path, &change.lines);
    Ok(listing)
}

/// The path of a file, from the root of the repository.
fn caption(page: &Page, step: &Step, path: &str) -> String {
    page.source_link(step, path, &format!("steps/{}/{path}", step.package))
}

fn with_place(caption: String, place: Option<String>) -> String {
    let place = place.map(|place| format!(" <span class=\"where\">{place}</span>"));
    caption + &place.unwrap_or_default()
}

fn listing(caption: &str, path: &str, code: &str) -> String {
    let language = html::language(path);
    let code = html::escape(code);
    // The span keeps mdBook from hiding the lines that begin with `#`.
    let body = html::pre("plain", language, &format!("<span>{code}</span>"));
    html::figure("listing", caption, &body)
}

fn cover_whole(page: &mut Page, step: &Step, path: &str) -> Result<()> {
    let count = page.library.normalised(step, path)?.lines().count();
    page.coverage(step).listing(path, 1..=count);
    Ok(())
}
