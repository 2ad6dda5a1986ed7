//! `{{#card SLUG}}`: what a step changes, at a glance.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use xtask::{Change, Size, Step};

use crate::html;
use crate::library::Library;
use crate::page::Page;

/// Snapshots have long names that say nothing more than their tests.
const SNAPSHOTS: &str = "tests/suite/snapshots/";

/// The groups of files, in the order of the card; the longest prefix counts.
const GROUPS: [(&str, &str); 6] = [
    ("src/", "Code"),
    ("migrations/", "Migration"),
    ("tests/", "Tests"),
    (SNAPSHOTS, "Instantanés"),
    ("examples/", "Exemple"),
    ("", "Projet"),
];

/// The card of a step.
pub fn card(page: &Page, slug: &str) -> Result<String> {
    let library = page.library;
    let step = library.step(slug)?;
    let changes = library.changes(step);
    let size = Size::of(changes);
    let mut card = format!(
        "<section class=\"card\" aria-label=\"Fiche de l’étape {number}\">\
         <p class=\"card-title\"><span class=\"card-number\">Étape {number}</span> {title}</p>\
         <p class=\"card-facts\"><code>{package}</code> · {size} dans <code>src/</code> et <code>migrations/</code></p>",
        number = step.number,
        title = html::inline(&step.title),
        package = step.package,
        size = html::size((size.added, size.deleted)),
    );
    card.push_str("<dl>");
    files(&mut card, page, step, changes);
    dependencies(&mut card, library, step)?;
    commands(&mut card, library, step);
    card.push_str("</dl></section>");
    Ok(card)
}

fn files(card: &mut String, page: &Page, step: &Step, changes: &[Change]) {
    let group_of = |path: &str| {
        let groups = GROUPS.iter().filter(|(prefix, _)| path.starts_with(prefix));
        groups.max_by_key(|(prefix, _)| prefix.len())
    };
    for group in &GROUPS {
        let members: Vec<&Change> = changes
            .iter()
            .filter(|change| group_of(&change.path) == Some(group))
            .collect();
        if members.is_empty() {
            continue;
        }
        let _ = write!(card, "<dt>{}</dt>", group.1);
        if group.0 == SNAPSHOTS {
            let sizes = members.iter().map(|change| change.size());
            let size = sizes.fold((0, 0), |sum, size| (sum.0 + size.0, sum.1 + size.1));
            let (count, plural) = (members.len(), if members.len() > 1 { "s" } else { "" });
            let _ = write!(
                card,
                "<dd>{count} fichier{plural} {}</dd>",
                html::size(size)
            );
            continue;
        }
        for change in members {
            let link = page.source_link(step, &change.path, &change.path);
            let _ = write!(card, "<dd>{link} {}</dd>", html::size(change.size()));
        }
    }
}

fn dependencies(card: &mut String, library: &Library, step: &Step) -> Result<()> {
    let before = match library.steps().previous(step) {
        Some(previous) => declared(library, previous)?,
        None => BTreeSet::new(),
    };
    let now = declared(library, step)?;
    let new: Vec<String> = now
        .difference(&before)
        .map(|name| format!("<code>{}</code>", html::escape(name)))
        .collect();
    if !new.is_empty() {
        let _ = write!(
            card,
            "<dt>Dépendances nouvelles</dt><dd>{}</dd>",
            new.join(", ")
        );
    }
    Ok(())
}

fn declared(library: &Library, step: &Step) -> Result<BTreeSet<String>> {
    let manifest: toml::Table = library
        .source(step, "Cargo.toml")?
        .parse()
        .with_context(|| format!("can't read Cargo.toml of {}", step.package))?;
    let tables = ["dependencies", "dev-dependencies"];
    let tables = tables
        .iter()
        .filter_map(|name| manifest.get(*name)?.as_table());
    Ok(tables.flat_map(toml::Table::keys).cloned().collect())
}

fn commands(card: &mut String, library: &Library, step: &Step) {
    let package = &step.package;
    let mut commands = vec![format!("cargo test -p {package}")];
    let examples = library
        .files(step)
        .filter_map(|path| path.strip_prefix("examples/")?.strip_suffix(".rs"));
    commands.extend(examples.map(|name| format!("cargo run -p {package} --example {name}")));
    if let Some(previous) = library.steps().previous(step) {
        commands.push(format!("cargo xtask diff {}", step.slug));
        commands.push(format!(
            "git diff --no-index steps/{} steps/{package}",
            previous.package
        ));
    }
    card.push_str("<dt>Commandes</dt>");
    for command in commands {
        let _ = write!(card, "<dd class=\"command\"><code>{command}</code></dd>");
    }
}
