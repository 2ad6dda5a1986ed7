//! `{{#acceptance [SLUG]}}`: which check holds from which step on.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use xtask::Step;

use crate::html;
use crate::library::Library;

const MATRIX: &str = "tests/matrix.json";
const SENTENCES: &str = "book/checks.toml";

#[derive(Deserialize)]
struct Check {
    name: String,
    since: String,
    results: BTreeMap<String, Outcome>,
    #[serde(skip)]
    sentence: String,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Pass,
    Fail,
}

/// The checks, each with its sentence.
fn load(library: &Library) -> Result<Vec<Check>> {
    let mut checks: Vec<Check> = serde_json::from_str(&library.read(MATRIX)?)
        .with_context(|| format!("can't read {MATRIX}"))?;
    let mut sentences: BTreeMap<String, String> = toml::from_str(&library.read(SENTENCES)?)
        .with_context(|| format!("can't read {SENTENCES}"))?;
    let mut missing = Vec::new();
    for check in &mut checks {
        match sentences.remove(&check.name) {
            Some(sentence) => check.sentence = sentence,
            None => missing.push(&check.name),
        }
        for slug in check.results.keys().chain([&check.since]) {
            library
                .step(slug)
                .with_context(|| format!("{MATRIX}, check {}", check.name))?;
        }
    }
    ensure!(
        missing.is_empty(),
        "{SENTENCES} misses the sentence of {missing:?}"
    );
    let unused: Vec<_> = sentences.into_keys().collect();
    ensure!(
        unused.is_empty(),
        "{SENTENCES} has sentences for no check: {unused:?}"
    );
    Ok(checks)
}

/// The list of the checks that begin at a step.
pub fn list(library: &Library, slug: &str) -> Result<String> {
    let step = library.step(slug)?;
    let mut items = String::new();
    for check in load(library)?
        .iter()
        .filter(|check| check.since == step.slug)
    {
        let _ = write!(items, "<li>{}</li>", html::inline(&check.sentence));
    }
    ensure!(!items.is_empty(), "no check begins at {slug}");
    Ok(format!("<ul class=\"checks\">{items}</ul>"))
}

/// The table of the checks.
pub fn table(library: &Library) -> Result<String> {
    let checks = load(library)?;
    ensure!(!checks.is_empty(), "{MATRIX} is empty");
    let steps: Vec<_> = library.steps().iter().collect();
    let mut head = String::from(
        "<th scope=\"col\">Vérification</th><th scope=\"col\" class=\"since\">Étapes</th>",
    );
    for step in &steps {
        let title = html::plain(&step.title);
        let _ = write!(
            head,
            "<th scope=\"col\" title=\"{title}\">{}</th>",
            step.number
        );
    }
    let mut rows = String::new();
    for check in &checks {
        let sentence = html::inline(&check.sentence);
        let range = range(&steps, check);
        let _ = write!(
            rows,
            "<tr><th scope=\"row\">{sentence}</th><td class=\"since\">{range}</td>"
        );
        for step in &steps {
            rows.push_str(match check.results.get(&step.slug) {
                Some(Outcome::Pass) => "<td>✓</td>",
                Some(Outcome::Fail) => "<td class=\"fail\" title=\"rouge avant\">✗</td>",
                None => "<td></td>",
            });
        }
        rows.push_str("</tr>");
    }
    Ok(format!(
        "<p class=\"legend\"><span class=\"pass\">✓</span> vérifié\u{a0}· <span class=\"fail\">✗</span> rouge avant\u{a0}: \
         la vérification échoue, comme attendu, à l’étape qui précède la fonctionnalité.</p>\
         <table class=\"acceptance\"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    ))
}

/// The numbers of the steps at which a check passes, where there is no room for the marks.
fn range(steps: &[&Step], check: &Check) -> String {
    let passes = |step: &&&Step| check.results.get(&step.slug) == Some(&Outcome::Pass);
    let numbers = |step: Option<&&Step>| step.map(|step| step.number).unwrap_or_default();
    let first = numbers(steps.iter().find(passes));
    let last = numbers(steps.iter().rev().find(passes));
    if steps.last().is_some_and(|step| step.number == last) {
        format!("dès\u{a0}{first}")
    } else if first == last {
        first.to_string()
    } else {
        format!("{first}\u{a0}à\u{a0}{last}")
    }
}
