//! Every check on every step: green from its step on, red on the step before.

mod programs;

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use programs::{build_if_stale, program, workspace};
use tests::{CHECKS, Observation, observe_all, to_json};
use xtask::Steps;

#[test]
fn each_check_passes_from_its_step_on_and_fails_on_the_step_before() {
    let steps = Steps::load(&workspace()).unwrap();
    build_if_stale(&steps);

    let observations = observe_all(&steps, program);

    tell_the_slowest(&observations);
    let surprises: Vec<_> = observations
        .iter()
        .filter_map(Observation::surprise)
        .collect();
    assert!(surprises.is_empty(), "{}", surprises.join("\n\n"));

    let table = to_json(&observations).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("matrix.json");
    if std::env::var_os("UPDATE_MATRIX").is_some() {
        fs::write(&path, &table).unwrap();
    }
    assert_eq!(
        fs::read_to_string(&path).unwrap_or_default(),
        table,
        "tests/matrix.json is stale: run UPDATE_MATRIX=1 cargo test -p tests"
    );
}

/// `cargo test -p tests --test matrix -- --nocapture` shows where the time goes.
fn tell_the_slowest(observations: &[Observation]) {
    let mut slowest: Vec<_> = observations.iter().collect();
    slowest.sort_by_key(|seen| Reverse(seen.elapsed));
    for seen in slowest.iter().take(20) {
        let (name, slug) = (seen.check.name, &seen.step.slug);
        println!("{:>6} ms  {name} on {slug}", seen.elapsed.as_millis());
    }
}

#[test]
fn each_name_is_used_once() {
    let names: BTreeSet<_> = CHECKS.iter().map(|check| check.name).collect();
    assert_eq!(names.len(), CHECKS.len());
}

#[test]
fn each_check_names_steps_that_exist() {
    let steps = Steps::load(&workspace()).unwrap();
    for check in CHECKS {
        for slug in [Some(check.since), check.until].into_iter().flatten() {
            assert!(steps.find(slug).is_ok(), "{}: {slug}", check.name);
        }
    }
}
