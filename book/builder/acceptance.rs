//! `{{#acceptance}}`: which check holds from which step on.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::directive::Directive;
use crate::html;
use crate::library::Library;
use crate::page::Page;

const MATRIX: &str = "tests/matrix.json";
const SENTENCES: &str = "book/checks.toml";

#[derive(Deserialize)]
struct Check {
    name: String,
    since: String,
    results: BTreeMap<String, Outcome>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Pass,
    Fail,
}

/// The table of the checks, or the list of those that begin at a step.
///
/// # Errors
/// When the table can't be read, when a check has no sentence or a sentence no
/// check, and when no check begins at the given step.
pub fn directive(page: &mut Page, directive: &Directive) -> Result<String> {
    directive.at_most(1)?;
    let library = page.library;
    let checks: Vec<Check> = serde_json::from_str(&library.read(MATRIX)?)
        .with_context(|| format!("can't read {MATRIX}"))?;
    let sentences: BTreeMap<String, String> = toml::from_str(&library.read(SENTENCES)?)
        .with_context(|| format!("can't read {SENTENCES}"))?;
    compare(library, &checks, &sentences)?;
    match directive.words.first() {
        Some(slug) => list(library, &checks, &sentences, slug),
        None => table(page, &checks, &sentences),
    }
}

fn compare(
    library: &Library,
    checks: &[Check],
    sentences: &BTreeMap<String, String>,
) -> Result<()> {
    let names: BTreeSet<&String> = checks.iter().map(|check| &check.name).collect();
    let missing: Vec<_> = names
        .iter()
        .filter(|name| !sentences.contains_key(**name))
        .collect();
    ensure!(
        missing.is_empty(),
        "{SENTENCES} misses the sentence of {missing:?}"
    );
    let unused: Vec<_> = sentences
        .keys()
        .filter(|name| !names.contains(name))
        .collect();
    ensure!(
        unused.is_empty(),
        "{SENTENCES} has sentences for no check: {unused:?}"
    );
    for check in checks {
        for slug in check.results.keys().chain([&check.since]) {
            library
                .step(slug)
                .with_context(|| format!("{MATRIX}, check {}", check.name))?;
        }
    }
    Ok(())
}

fn list(
    library: &Library,
    checks: &[Check],
    sentences: &BTreeMap<String, String>,
    slug: &str,
) -> Result<String> {
    let step = library.step(slug)?;
    let mut items = String::new();
    for check in checks.iter().filter(|check| check.since == step.slug) {
        let _ = write!(items, "<li>{}</li>", html::inline(&sentences[&check.name]));
    }
    ensure!(!items.is_empty(), "no check begins at {slug}");
    Ok(format!("<ul class=\"checks\">{items}</ul>"))
}

fn table(page: &Page, checks: &[Check], sentences: &BTreeMap<String, String>) -> Result<String> {
    ensure!(!checks.is_empty(), "{MATRIX} is empty");
    let steps: Vec<_> = page.library.steps().iter().collect();
    let mut head = String::from("<th scope=\"col\">Vérification</th>");
    for step in &steps {
        let title = html::plain(&step.title);
        let _ = write!(
            head,
            "<th scope=\"col\" title=\"{title}\">{}</th>",
            step.number
        );
    }
    let mut rows = String::new();
    for check in checks {
        let sentence = html::inline(&sentences[&check.name]);
        let _ = write!(rows, "<tr><th scope=\"row\">{sentence}</th>");
        for step in &steps {
            rows.push_str(match check.results.get(&step.slug) {
                Some(Outcome::Pass) => "<td class=\"pass\">✓</td>",
                Some(Outcome::Fail) => "<td class=\"fail\" title=\"rouge avant\">✗</td>",
                None => "<td></td>",
            });
        }
        rows.push_str("</tr>");
    }
    Ok(format!(
        "<div class=\"wide\" tabindex=\"0\"><table class=\"acceptance\"><thead><tr>{head}</tr></thead>\
         <tbody>{rows}</tbody></table></div>\
         <p class=\"legend\"><span class=\"pass\">✓</span> vérifié\u{a0}· <span class=\"fail\">✗</span> rouge avant\u{a0}: \
         la vérification échoue, comme attendu, à l’étape qui précède la fonctionnalité.</p>"
    ))
}
