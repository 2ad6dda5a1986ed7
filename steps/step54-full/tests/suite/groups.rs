//! A program that is asked to stop, and those that it has launched.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::common::{database, rows, until};
use crate::inspection::program;

/// Where the tests let their programs write.
fn folder() -> PathBuf {
    let folder = database().parent().unwrap().to_owned();
    folder.canonicalize().unwrap()
}

/// What becomes of a script whose time ends after it has made the file `ready`: a machine that has
/// much else to do is given more. It is the lock that tells whether one of its processes lives:
/// they all inherit it.
fn timed_out(script: &str) -> Value {
    let script = format!("exec 9>lock; flock 9; {script}");
    let command = json!({
        "program": "sh",
        "arguments": ["-c", script],
        "directory": folder(),
    });
    for timeout in ["300ms", "3s", "30s"] {
        program(&[
            "create",
            "command",
            &command.to_string(),
            "--timeout",
            timeout,
        ]);
        program(&["start", "--until-empty", "--instance", "test"]);
        if folder().join("ready").exists() {
            let outcome = "SELECT error FROM task_executions WHERE status = 'failure'
                           ORDER BY id DESC LIMIT 1";
            return serde_json::from_str(&rows(outcome)).unwrap();
        }
    }
    panic!("it isn't ready");
}

/// What the error says, but for how long it has lasted.
fn message(error: &Value) -> &str {
    assert_eq!(error["type"], "timeout", "{error}");
    let message = error["message"].as_str().unwrap();
    message.split_once(": ").unwrap().1
}

fn is_over() -> bool {
    File::open(folder().join("lock"))
        .unwrap()
        .try_lock()
        .is_ok()
}

#[test]
fn a_program_that_takes_too_long_ends_with_what_it_has_launched() {
    let error = timed_out("sleep 1000 & touch ready; sleep 1000");
    insta::assert_snapshot!(message(&error), @r#""sh" was ended by SIGTERM"#);
    assert!(is_over());
}

#[test]
fn it_has_the_time_to_clean_up_but_that_is_no_success() {
    let error = timed_out(
        "trap 'echo tidied; echo sorry >&2; exit 0' TERM; echo begun
         sleep 1000 & touch ready; wait",
    );
    insta::assert_snapshot!(message(&error), @r#""sh" ended with exit status 0: sorry"#);
    assert_eq!(error["details"]["stdout"], "begun\ntidied\n");
}

#[test]
fn what_it_has_launched_has_the_time_too() {
    let error = timed_out(
        "(trap 'sleep 0.2; echo tidied; exit' TERM; sleep 1000 & touch ready; wait) & wait",
    );
    insta::assert_snapshot!(message(&error), @r#""sh" was ended by SIGTERM"#);
    assert_eq!(error["details"]["stdout"], "tidied\n");
    assert!(is_over());
}

#[test]
fn it_may_write_more_than_a_pipe_holds_meanwhile() {
    let error = timed_out(
        r"trap 'head -c 200000 /dev/zero | tr \\0 o; exit 3' TERM
          sleep 1000 & touch ready; wait",
    );
    insta::assert_snapshot!(message(&error), @r#""sh" ended with exit status 3"#);
    assert_eq!(error["details"]["truncated"], true);
}

#[test]
fn one_that_is_suspended_ends_too() {
    let error = timed_out("touch ready; kill -STOP $$; sleep 1000");
    insta::assert_snapshot!(message(&error), @r#""sh" was ended by SIGTERM"#);
}

#[tokio::test]
async fn one_that_does_not_listen_is_killed_with_what_it_has_launched() {
    let error = timed_out("trap '' TERM; sleep 1000 & touch ready; sleep 1000");
    insta::assert_snapshot!(message(&error), @"cut short");
    until(is_over).await;
}

/// An engine that was suspended has two things to see at once: that the time is over, and that the
/// program has ended before.
#[test]
fn one_that_has_ended_in_time_is_not_asked_to_stop() {
    let script = "touch ready-$$; until test -e go; do sleep 0.1; done; exec touch ended-$$";
    let command = json!({
        "program": "sh",
        "arguments": ["-c", script],
        "directory": folder(),
    });
    let command = command.to_string();
    let timeout = ["--timeout", "4s"];
    program(
        &[
            &["create", "command", &command, "--count", "10"],
            &timeout[..],
        ]
        .concat(),
    );
    let mut engine = Command::new(env!("CARGO_BIN_EXE_task-engine"))
        .args(["start", "--until-empty", "--instance", "test"])
        .args(["--lease", "1h", "--workers", "10"])
        .env("TASK_ENGINE_DATABASE", database())
        .spawn()
        .unwrap();
    let number = Pid::from_raw(engine.id().try_into().unwrap());
    let all = |what| {
        let files = fs::read_dir(folder()).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with(what)).count() == 10
    };
    while !all("ready") {
        sleep(Duration::from_millis(10));
    }
    let begun = Instant::now();
    kill(number, Signal::SIGSTOP).unwrap();
    fs::write(folder().join("go"), "").unwrap();
    while !all("ended") || begun.elapsed() < Duration::from_secs(5) {
        sleep(Duration::from_millis(10));
    }
    kill(number, Signal::SIGCONT).unwrap();
    engine.wait().unwrap();
    let statuses = "SELECT status, count(*) FROM task_executions GROUP BY status";
    assert_eq!(rows(statuses), "success | 10");
}

/// Nothing holds it back: it is what daemons do.
#[tokio::test]
async fn one_that_leaves_the_group_goes_on() {
    let daemon = "touch ready; for i in $(seq 3000); do test -e go && break; sleep 0.01; done";
    let error = timed_out(&format!("setsid sh -c '{daemon}' & sleep 1000"));
    insta::assert_snapshot!(message(&error), @r#""sh" was ended by SIGTERM"#);
    assert!(!is_over());
    fs::write(folder().join("go"), "").unwrap();
    until(is_over).await;
}
