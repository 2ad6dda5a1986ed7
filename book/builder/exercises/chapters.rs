//! Which exercises of the chapters have solutions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Result;

use crate::directive;
use crate::files::{files, read};
use crate::problem::Problem;
use crate::settings::Settings;

/// Every exercise has a hint, and its solution comes after it.
const HINT: &str = "<summary>Indice</summary>";

/// What the chapter of a step has.
const CARD: &str = "{{#card ";

/// What stands in a chapter, in order.
enum Mark {
    Hint,
    Solution(String),
}

/// What is wrong with the way in which the chapters show these solutions.
pub fn check(root: &Path, names: &BTreeSet<String>, settings: &Settings) -> Result<Vec<Problem>> {
    let (mut problems, mut unsolved) = (Vec::new(), Vec::new());
    let mut shown = BTreeMap::new();
    for path in files(&root.join("book/src"))? {
        if path.extension().is_none_or(|end| end != "md") {
            continue;
        }
        let text = read(&path)?;
        let chapter = path.strip_prefix(root)?.display().to_string();
        let mut hint = None;
        let mut hints = Vec::new();
        for (line, mark) in marks(&text) {
            match mark {
                Mark::Hint => {
                    hints.extend(hint.replace(line));
                }
                Mark::Solution(name) => {
                    if hint.take().is_none() {
                        let message = format!("the solution {name} comes after no hint");
                        problems.push(Problem::at(&chapter, line, message));
                    }
                    if let Some(other) = shown.insert(name.clone(), chapter.clone()) {
                        let message = format!("{other} shows the solution {name} already");
                        problems.push(Problem::at(&chapter, line, message));
                    }
                }
            }
        }
        hints.extend(hint);
        // What another chapter asks for has no code to be applied to.
        if text.contains(CARD) {
            unsolved.extend(hints.into_iter().map(|line| (chapter.clone(), line)));
        }
    }
    let hidden = names.iter().filter(|name| !shown.contains_key(*name));
    problems.extend(hidden.map(|name| {
        let message = format!("no chapter has {{{{#solution {name}}}}}");
        Problem::of(super::path(super::FOLDER, name), message)
    }));
    problems.extend(ratchet(&unsolved, settings.without_solution));
    Ok(problems)
}

/// The hints and the solutions of a chapter, each with its line.
fn marks(text: &str) -> Vec<(usize, Mark)> {
    let hints = text.match_indices(HINT);
    let hints = hints.map(|(offset, _)| (directive::line_of(text, offset), Mark::Hint));
    let found = directive::find(text).into_iter();
    let solutions = found.filter(|directive| directive.name == "solution");
    let solutions = solutions
        .filter_map(|mut directive| Some((directive.line, Mark::Solution(directive.words.pop()?))));
    let mut marks: Vec<_> = hints.chain(solutions).collect();
    marks.sort_by_key(|(line, _)| *line);
    marks
}

/// As many exercises as the settings say may still lack a solution: no more, and no fewer, so that
/// the figure follows them down.
fn ratchet(unsolved: &[(String, usize)], allowed: usize) -> Vec<Problem> {
    let count = unsolved.len();
    if count < allowed {
        let message = format!("without-solution: {count} exercises are left: write that");
        return vec![Problem::of("book/book.toml", message)];
    }
    let all = unsolved.iter().filter(|_| count > allowed);
    all.map(|(chapter, line)| {
        let message = format!(
            "this exercise has no solution, like {count} in all, of which book.toml allows {allowed}"
        );
        Problem::at(chapter, *line, message)
    })
    .collect()
}
