//! `{{#states SLUG}}`: the states of a task at a step, as its program was seen to change them.

mod drawing;

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};

use crate::diagram;
use crate::html;
use crate::library::Library;
use crate::page::Page;
use drawing::{ARROWS, Arrow, draw};

const TRANSITIONS: &str = "tests/transitions.json";

/// From a status to a status; none before the creation and after the deletion.
type Transition = (Option<String>, Option<String>);

/// The figure of the states.
///
/// # Errors
/// When the step or its transitions are unknown, and when a transition can't be drawn.
pub fn figure(page: &Page, slug: &str) -> Result<String> {
    let step = page.library.step(slug)?;
    let arrows = arrows(page.library, &step.slug)?;
    let title = format!("Les états d’une tâche à l’étape {}", step.number);
    let described: Vec<_> = arrows.iter().map(|arrow| describe(arrow)).collect();
    let label = format!("{title}\u{a0}: {}", described.join(", "));
    let caption = format!("{}, {}", html::inline(&title), page.chapter_link(step));
    diagram::figure(&draw(&arrows), &label, &caption)
}

fn arrows(library: &Library, slug: &str) -> Result<Vec<&'static Arrow>> {
    let all: BTreeMap<String, Vec<Transition>> = serde_json::from_str(&library.read(TRANSITIONS)?)
        .with_context(|| format!("can't read {TRANSITIONS}"))?;
    for slug in all.keys() {
        library.step(slug).context(TRANSITIONS)?;
    }
    let seen = all.get(slug).map(Vec::as_slice).unwrap_or_default();
    ensure!(!seen.is_empty(), "{TRANSITIONS} has nothing of {slug}");
    seen.iter().map(known).collect()
}

fn known((from, to): &Transition) -> Result<&'static Arrow> {
    let (from, to) = (from.as_deref(), to.as_deref());
    let mut arrows = ARROWS.iter();
    let arrow = arrows.find(|arrow| arrow.from == from && arrow.to == to);
    arrow.with_context(|| {
        let (from, to) = (from.unwrap_or("null"), to.unwrap_or("null"));
        format!(
            "{TRANSITIONS} has a transition {from} -> {to} that can't be drawn: \
             add it, with its label, to ARROWS in book/builder/states/drawing.rs"
        )
    })
}

/// An arrow in words.
fn describe(arrow: &Arrow) -> String {
    let from = arrow.from.unwrap_or("début");
    let to = arrow.to.unwrap_or("fin");
    format!("de {from} à {to} ({})", arrow.label)
}
