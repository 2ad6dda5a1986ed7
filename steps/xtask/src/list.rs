//! `cargo xtask list`: the steps, and what is wrong with them.

use std::collections::BTreeMap;

use anstream::println;
use anyhow::{Context as _, Result, ensure};

use crate::manifest::TODO;
use crate::{Budget, Size, Step, Steps, files};

/// What the chapters show of their steps, as the builder of the book has counted it.
const SHOWN: &str = "book/shown.json";

const TITLES: [&str; 9] = [
    "", "slug", "part", "+", "-", "files", "shown", "budget", "title",
];

/// Prints the table; fails if a step is over its budget, or has no title or description yet.
pub(crate) fn run(steps: &Steps) -> Result<()> {
    let mut shown: BTreeMap<String, u32> = BTreeMap::new();
    let path = steps.root().join(SHOWN);
    if path.exists() {
        shown = serde_json::from_str(&files::read_text(&path)?).context(SHOWN)?;
    }
    let mut problems = Vec::new();
    let mut rows = vec![TITLES.map(str::to_owned)];
    for step in steps.iter() {
        let size = Size::of(&steps.changes(&step.slug)?);
        let budget = size.budget(step);
        problems.extend(over_budget(step, size, budget));
        problems.extend(unwritten(step));
        rows.push(row(step, size, shown.get(&step.slug), budget));
    }
    for line in align(&rows) {
        println!("{line}");
    }
    ensure!(problems.is_empty(), "{}", problems.join("\nerror: "));
    Ok(())
}

fn row(step: &Step, size: Size, shown: Option<&u32>, budget: Budget) -> [String; 9] {
    let budget = match budget {
        Budget::First => "first step",
        Budget::Kept => "kept",
        Budget::AboveAim => "above aim",
        Budget::Over { .. } => "over budget",
    };
    [
        format!("{:02}", step.number),
        step.slug.clone(),
        step.part.to_string(),
        size.added.to_string(),
        size.deleted.to_string(),
        size.files.to_string(),
        shown.map_or_else(String::new, |shown| format!("{shown} %")),
        budget.to_owned(),
        step.title.clone(),
    ]
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

/// Pads the columns: numbers to the right, words to the left.
fn align(rows: &[[String; 9]]) -> Vec<String> {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    rows.iter()
        .map(|row| {
            let cells = row.iter().enumerate().map(|(column, cell)| {
                let width = width(column);
                if (2..=6).contains(&column) {
                    format!("{cell:>width$}")
                } else {
                    format!("{cell:<width$}")
                }
            });
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        })
        .collect()
}
