//! What readers do in a page, once: with the keyboard, with the search, without scripts.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::chromium::Chromium;
use super::{Visitor, ask};
use crate::files::read;
use crate::problem::Problem;

/// What the first page of the journey holds.
const HOLDS: [&str; 3] = ["class=\"rest\"", "<pre class=\"diff\"", "session\">"];

/// What the keyboard reaches, on a narrow screen.
const REACHED: [&str; 4] = [
    ".skip",
    "#mdbook-sidebar-toggle-anchor",
    "main .clip-button",
    "main pre > code",
];

/// The most keys that one presses to reach them.
const PRESSES: usize = 200;

/// Takes the first of the pages that holds all there is.
pub fn travel(visitor: &Visitor, site: &Path, pages: &[String]) -> Result<Vec<Problem>> {
    let mut texts = pages.iter().map(|page| Ok((page, read(&site.join(page))?)));
    let holds = |found: &Result<(_, String)>| {
        found
            .as_ref()
            .is_ok_and(|(_, text)| HOLDS.iter().all(|part| text.contains(part)))
    };
    let (page, _) = texts
        .find(holds)
        .context("no page has a diff, a session and a rest")??;

    let mut chromium = visitor.start()?;
    let mut problems = by_keyboard(visitor, &mut chromium, page)?;
    problems.extend(copying(visitor, &mut chromium, page)?);
    problems.extend(searching(visitor, &mut chromium, page)?);
    problems.extend(without_scripts(visitor, &mut chromium, page)?);
    Ok(problems)
}

fn by_keyboard(visitor: &Visitor, chromium: &mut Chromium, page: &str) -> Result<Vec<Problem>> {
    chromium.resize(390)?;
    visitor.open(chromium, page)?;
    let mut problems = Vec::new();
    let mut missing = REACHED.to_vec();
    for _ in 0..PRESSES {
        chromium.press("Tab", "")?;
        let is_there = |selector: &str| format!("document.activeElement.matches({selector:?})");
        let first = missing.first().map(|selector| is_there(selector));
        let Some(first) = first else { break };
        if chromium.evaluate(&first)? != json!(true) {
            continue;
        }
        if missing.remove(0) == REACHED[1] {
            chromium.press(" ", " ")?;
            let list = "look.isSeen(document.getElementById('mdbook-sidebar')) ? [] : ['the space bar doesn’t show the list of the chapters']";
            problems.extend(ask(chromium, page, list)?);
            chromium.press(" ", " ")?;
        }
    }
    let unreached = missing
        .iter()
        .map(|selector| Problem::of(page, format!("the Tab key doesn't reach {selector}")));
    problems.extend(unreached);
    Ok(problems)
}

fn copying(visitor: &Visitor, chromium: &mut Chromium, page: &str) -> Result<Vec<Problem>> {
    let permissions = json!({"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]});
    chromium.call("Browser.grantPermissions", &permissions)?;
    visitor.open(chromium, page)?;
    let mut problems = ask(
        chromium,
        page,
        "look.copied('.diff:has(del) code', '.same, .add')",
    )?;
    problems.extend(ask(chromium, page, "look.copied('.transcript code', 'b')")?);
    Ok(problems)
}

fn searching(visitor: &Visitor, chromium: &mut Chromium, page: &str) -> Result<Vec<Problem>> {
    chromium.resize(1280)?;
    visitor.open(chromium, page)?;
    let word = chromium.evaluate("look.foldedWord()")?;
    chromium.press("/", "/")?;
    chromium.call("Input.insertText", &json!({"text": word}))?;
    chromium.press("Shift", "")?;
    let Value::String(address) = chromium.evaluate("look.follow()")? else {
        let message = format!("a search for {word}, which is folded in it, doesn't find this page");
        return Ok(vec![Problem::of(page, message)]);
    };
    chromium.open(&address)?;
    ask(chromium, page, "look.landed()")
}

fn without_scripts(visitor: &Visitor, chromium: &mut Chromium, page: &str) -> Result<Vec<Problem>> {
    let dark = json!({"features": [{"name": "prefers-color-scheme", "value": "dark"}]});
    chromium.call("Emulation.setEmulatedMedia", &dark)?;
    chromium.call(
        "Emulation.setScriptExecutionDisabled",
        &json!({"value": true}),
    )?;
    visitor.open(chromium, page)?;
    // Those of the page have been passed over: ours may run.
    chromium.call(
        "Emulation.setScriptExecutionDisabled",
        &json!({"value": false}),
    )?;
    chromium.evaluate(&visitor.script)?;
    let mut problems = ask(chromium, page, "look.contrasts('dark')")?;
    chromium.resize(320)?;
    problems.extend(ask(chromium, page, "look.width()")?);
    Ok(problems)
}
