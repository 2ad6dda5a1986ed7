//! Where what a listing shows goes, for those who type it.

use anyhow::Result;
use xtask::Step;

use crate::html;
use crate::item;
use crate::page::Page;

/// Whether a file is a new one, in the chapter of its step.
pub fn of_file(page: &Page, step: &Step, path: &str) -> Option<String> {
    let change = typed(page, step, path).then(|| page.library.change(step, path).ok())??;
    let fate = change
        .old
        .as_ref()
        .map_or("nouveau fichier", |_| "nouvelle version");
    Some(fate.to_owned())
}

/// What an item stands in and, in the chapter of its step, what has become of it or what it comes
/// after, if it is new.
pub fn of_item(page: &Page, step: &Step, path: &str, name: &str) -> Result<Option<String>> {
    let text = page.library.normalised(step, path)?;
    let place = item::find(path, text, name)?;
    let change = page.library.change(step, path).ok();
    let mut within = place.within.as_deref().map(html::within);
    let mut fate = None;
    if typed(page, step, path) {
        fate = match change.map(|change| change.old.as_deref()) {
            None => Some("inchangé".to_owned()),
            Some(None) => Some("nouveau fichier".to_owned()),
            Some(Some(old)) => match item::find(path, old, name) {
                Ok(before) => {
                    let before = item::extract(old, &before.lines);
                    let same = before == item::extract(text, &place.lines);
                    Some(
                        if same {
                            "inchangé"
                        } else {
                            "nouvelle version"
                        }
                        .to_owned(),
                    )
                }
                Err(_) => {
                    let mut start = *place.lines.start();
                    let header = place
                        .within
                        .as_deref()
                        .and_then(|title| block(text, start, title));
                    if let Some((line, header)) = header
                        && !old.lines().any(|other| other == header)
                    {
                        start = line;
                        let title = place.within.as_deref().unwrap_or_default();
                        within = Some(format!("dans un nouvel <em>{}</em>", html::escape(title)));
                    }
                    let after = item::predecessors(path, text, &[start]).remove(0);
                    after.map(|after| format!("après <em>{}</em>", html::escape(&after)))
                }
            },
        };
    }
    let parts: Vec<String> = [within, fate].into_iter().flatten().collect();
    Ok((!parts.is_empty()).then(|| parts.join(" · ")))
}

/// Only what a reader types: the tests and the examples are there, other chapters only quote.
fn typed(page: &Page, step: &Step, path: &str) -> bool {
    let own = page
        .chapters
        .get(&step.slug)
        .is_some_and(|chapter| chapter == page.path);
    own && ["src/", "migrations/"]
        .iter()
        .any(|folder| path.starts_with(folder))
}

/// The line where the block that holds this line begins, and its text.
fn block<'a>(text: &'a str, line: usize, title: &str) -> Option<(usize, &'a str)> {
    let before: Vec<&str> = text.lines().take(line).collect();
    let is_header = |line: &&str| line.starts_with("impl") && title.starts_with("impl");
    let index = before.iter().rposition(is_header)?;
    Some((index + 1, before[index]))
}
