//! The engine as a tool: a library of its own, a program to install.

use std::fs;
use std::path::Path;
use std::process::Command;

use task_engine::{
    Clock, Config, Context, Engine, EngineHandle, Error, Execution, Handler, NewTask, Reader,
    Registry, RetryPolicy, RunningEngine, Store, Task, TaskError, TaskExecution, TaskRecord,
};

use crate::common::{database, new_task, store};
use crate::inspection::program;

#[test]
fn what_an_application_shares_between_threads_can_be_shared() {
    fn shared<T: Send + Sync>() {}
    fn moved<T: Send>(_: &T) {}
    shared::<Clock>();
    shared::<Config>();
    shared::<Context>();
    shared::<Engine>();
    shared::<EngineHandle>();
    shared::<Error>();
    shared::<Execution>();
    shared::<Handler>();
    shared::<NewTask>();
    shared::<Reader>();
    shared::<Registry>();
    shared::<RetryPolicy>();
    shared::<RunningEngine>();
    shared::<Store>();
    shared::<Task>();
    shared::<TaskError>();
    shared::<TaskExecution>();
    shared::<TaskRecord>();

    let store = store();
    let engine = || Engine::new(store.clone(), Registry::default(), Config::default());
    moved(&store.create(new_task()));
    moved(&store.transaction(|_| Ok(())));
    moved(&engine().start());
    moved(&engine().run());
}

/// The crates that the library needs, as Cargo says.
fn dependencies(features: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--edges", "normal", "--prefix", "none"])
        .args(["--depth", "1", "--format", "{lib}"])
        .args(features)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_library_needs_no_crate_of_the_program() {
    insta::assert_snapshot!(dependencies(&["--no-default-features"]), @"
    task_engine
    backtrace
    croner
    fastrand
    futures_util
    gethostname
    jiff
    jiff
    nix
    rusqlite
    serde
    serde_json
    serde_path_to_error
    thiserror
    tokio
    tokio_util
    tracing
    ");
    assert!(dependencies(&[]).contains("clap"));
}

#[test]
fn the_help_says_all() {
    let commands = [
        "",
        "start",
        "create",
        "retry",
        "cancel",
        "pause",
        "resume",
        "bound",
        "unbound",
        "limit",
        "unlimit",
        "rate",
        "unrate",
        "schedule",
        "prune",
        "engines",
        "list",
        "show",
        "trace",
        "kinds",
        "demo",
        "completions",
    ];
    let help = commands.map(|name| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_task-engine"));
        let command = command.args([name, "--help"].iter().filter(|word| !word.is_empty()));
        let output = command.env_clear().env("COLUMNS", "80").output().unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        format!("$ task-engine {name} --help\n{help}")
    });
    let help = help.join("\n");
    let too_wide = help.lines().find(|line| line.chars().count() > 80);
    assert_eq!(too_wide, None);
    insta::assert_snapshot!(help);
}

/// It takes some seconds; what it leaves is the same each time.
#[test]
fn the_demonstration_ends_well() {
    let said = program(&["demo"]);
    assert!(
        said.contains("8 succeeded, 2 failed; 2 of them were retried"),
        "{said}"
    );
    let made = said.split("TASK_ENGINE_DATABASE=").nth(1).unwrap();
    let made = Path::new(made.split(' ').next().unwrap());
    let failed = Command::new(env!("CARGO_BIN_EXE_task-engine"))
        .args(["list", "--status", "failed"])
        .env("TASK_ENGINE_DATABASE", made)
        .output()
        .unwrap();
    let failed = String::from_utf8(failed.stdout).unwrap();
    assert_eq!(failed.lines().count(), 3, "{failed}");
    fs::remove_dir_all(made.parent().unwrap()).unwrap();
    assert!(!database().exists());
}
