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
    let mut within = place.within.as_deref().map(html::within);
    let mut fate = None;
    if typed(page, step, path) {
        let change = page.library.change(step, path).ok();
        let old = change.and_then(|change| change.old.as_deref());
        let before = old.and_then(|old| {
            let place = item::find(path, old, name).ok()?;
            Some(item::extract(old, &place.lines))
        });
        let covered = page.covered.get(&step.slug);
        let is_begun = covered.is_some_and(|covered| covered.has_shown(path));
        fate = if change.is_none() || before == Some(item::extract(text, &place.lines)) {
            Some("inchangé".to_owned())
        } else if old.is_none() && !is_begun {
            Some("nouveau fichier".to_owned())
        } else if before.is_some() {
            Some("nouvelle version".to_owned())
        } else {
            let after = |line| item::predecessors(path, text, &[line]).remove(0);
            let start = *place.lines.start();
            let after = after(start).or_else(|| {
                let title = place.within.as_deref()?;
                let line = new_block(text, old.unwrap_or_default(), start)?;
                within = Some(format!("dans un nouvel <em>{}</em>", html::escape(title)));
                after(line)
            });
            after.map(|after| format!("après <em>{}</em>", html::escape(&after)))
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

/// Where the block begins that this line stands in, if there was none like it.
fn new_block(text: &str, old: &str, line: usize) -> Option<usize> {
    let before: Vec<&str> = text.lines().take(line).collect();
    let index = before.iter().rposition(|line| line.starts_with("impl"))?;
    let is_new = !old.lines().any(|line| line == before[index]);
    is_new.then_some(index + 1)
}
