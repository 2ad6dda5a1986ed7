//! Every check on every step: green from its step on, red on the step before.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use tests::{CHECKS, observe_all, to_json};
use xtask::{Step, Steps};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// The folder where cargo has put this test's own program, and those of the steps.
fn target() -> PathBuf {
    let this = std::env::current_exe().unwrap();
    this.ancestors().nth(2).unwrap().to_owned()
}

fn program(step: &Step) -> PathBuf {
    target().join(&step.package)
}

fn newest(folder: &Path) -> SystemTime {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| {
            if entry.file_type().unwrap().is_dir() {
                newest(&entry.path())
            } else {
                entry.metadata().unwrap().modified().unwrap()
            }
        })
        .max()
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

/// `cargo test --workspace` has just built the programs; `cargo test -p tests` hasn't.
fn build_if_stale(steps: &Steps) {
    let stale = steps.iter().filter(|step| {
        let built = program(step).metadata().and_then(|file| file.modified());
        let source = newest(&step.directory.join("src"));
        built.map_or(true, |built| built < source)
    });
    let packages: Vec<_> = stale
        .map(|step| format!("--package={}", step.package))
        .collect();
    if packages.is_empty() {
        return;
    }
    let target = target();
    let built = Command::new(env!("CARGO"))
        .current_dir(workspace())
        .args(["build", "--bins", "--target-dir"])
        .arg(target.parent().unwrap())
        .args(packages)
        .status()
        .unwrap();
    assert!(built.success(), "the programs of the steps don't build");
}

#[test]
fn each_check_passes_from_its_step_on_and_fails_on_the_step_before() {
    let steps = Steps::load(&workspace()).unwrap();
    build_if_stale(&steps);

    let observations = observe_all(&steps, program).unwrap();

    let surprises: Vec<_> = observations
        .iter()
        .filter_map(tests::Observation::surprise)
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

#[test]
fn each_name_is_used_once() {
    let names: BTreeSet<_> = CHECKS.iter().map(|check| check.name).collect();
    assert_eq!(names.len(), CHECKS.len());
}
