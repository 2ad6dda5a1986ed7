//! `cargo xtask list`: the steps, and what is wrong with them.

use std::collections::BTreeMap;

use anstream::println;
use anyhow::{Context as _, Result, ensure};

use crate::manifest::TODO;
use crate::{Budget, Size, Step, Steps, files};

/// What the chapters show of their steps, as the builder of the book has counted it.
const SHOWN: &str = "book/shown.json";

/// Prints the table; fails if a step is over its budget, or has no title or description yet.
pub(crate) fn run(steps: &Steps) -> Result<()> {
    let mut shown: BTreeMap<String, u32> = BTreeMap::new();
    let path = steps.root().join(SHOWN);
    if path.exists() {
        shown = serde_json::from_str(&files::read_text(&path)?).context(SHOWN)?;
    }
    let mut problems = Vec::new();
    println!("    slug            part    +    -  files  shown  budget       title");
    for step in steps.iter() {
        let size = Size::of(&steps.changes(&step.slug)?);
        let budget = size.budget(step);
        problems.extend(over_budget(step, size, budget));
        problems.extend(unwritten(step));
        println!("{}", row(step, size, shown.get(&step.slug), budget));
    }
    ensure!(problems.is_empty(), "{}", problems.join("\nerror: "));
    Ok(())
}

fn row(step: &Step, size: Size, shown: Option<&u32>, budget: Budget) -> String {
    let budget = match budget {
        Budget::First => "first step",
        Budget::Kept => "kept",
        Budget::AboveAim => "above aim",
        Budget::Over { .. } => "over budget",
    };
    let shown = shown.map_or_else(String::new, |shown| format!("{shown} %"));
    let Size {
        added,
        deleted,
        files,
    } = size;
    let Step {
        number,
        slug,
        part,
        title,
        ..
    } = step;
    let part = part.map_or("–".to_owned(), |part| part.to_string());
    format!(
        "{number:02}  {slug:<14}  {part:>4}  {added:>3}  {deleted:>3}  {files:>5}  {shown:>5}  {budget:<11}  {title}"
    )
}

fn over_budget(step: &Step, size: Size, budget: Budget) -> Option<String> {
    let Budget::Over { added, deleted } = budget else {
        return None;
    };
    Some(format!(
        "`{}` is over budget: it adds {} lines to src/ and migrations/ (at most {added}) and deletes {} there (at most {deleted}): make two steps of it",
        step.slug, size.added, size.deleted,
    ))
}

fn unwritten(step: &Step) -> Option<String> {
    (step.title == TODO || step.description == TODO).then(|| {
        format!(
            "`{}` has no title or description yet: write them in {}/Cargo.toml",
            step.slug, step.package
        )
    })
}
