//! The programs of the steps, as cargo has built them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use toml::Table;
use xtask::{Step, Steps};

/// The root of the repository.
pub fn workspace() -> PathBuf {
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

/// The program of a step: it has the name of the package, or one of its own.
pub fn program(step: &Step) -> PathBuf {
    let manifest = fs::read_to_string(step.directory.join("Cargo.toml")).unwrap();
    let manifest: Table = manifest.parse().unwrap();
    let name = manifest.get("bin").map_or(step.package.as_str(), |bin| {
        bin[0]["name"].as_str().unwrap()
    });
    target().join(name)
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
pub fn build_if_stale(steps: &Steps) {
    let stale = steps.iter().filter(|step| {
        let built = program(step).metadata().and_then(|file| file.modified());
        let sources = ["src", "migrations"].map(|folder| step.directory.join(folder));
        let sources = sources.iter().filter(|folder| folder.is_dir());
        let source = sources.map(|folder| newest(folder)).max().unwrap();
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
