//! The changes of status that the program of each step makes: the book draws them.

mod programs;

use std::fs;
use std::path::Path;

use programs::{build_if_stale, program, workspace};
use tests::{Sandbox, transitions};
use xtask::{Step, Steps};

/// The transitions that a step's program makes, on one line.
fn line(steps: &Steps, step: &Step) -> String {
    let program = program(step);
    let sandbox = Sandbox::new(&program, steps, step).unwrap();
    let seen = transitions(&sandbox).unwrap_or_else(|error| panic!("{}: {error:#}", step.package));
    format!(
        "  \"{}\": {}",
        step.slug,
        serde_json::to_string(&seen).unwrap()
    )
}

#[test]
fn the_transitions_that_the_book_draws_are_those_that_the_programs_make() {
    let steps = Steps::load(&workspace()).unwrap();
    build_if_stale(&steps);
    let first = steps.find("persistence").unwrap();

    let lines: Vec<_> = steps
        .iter()
        .filter(|step| step.number >= first.number)
        .map(|step| line(&steps, step))
        .collect();

    let table = format!("{{\n{}\n}}\n", lines.join(",\n"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("transitions.json");
    if std::env::var_os("UPDATE_TRANSITIONS").is_some() {
        fs::write(&path, &table).unwrap();
    }
    assert_eq!(
        fs::read_to_string(&path).unwrap_or_default(),
        table,
        "tests/transitions.json is stale: run UPDATE_TRANSITIONS=1 cargo test -p tests"
    );
}
