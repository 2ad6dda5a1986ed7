//! An error tells where it comes from.

use std::process::Command;
use std::{env, thread};

use serde_json::Value;
use step48_inotify::{Handler, TaskError};

use crate::errors::report_of;

/// The line of this file where an error was made.
fn place(report: &Value) -> String {
    let place = report["place"].as_str().unwrap();
    let [file, line, _column] = place.split(':').collect::<Vec<_>>()[..] else {
        panic!("no place: {place}");
    };
    assert!(file.ends_with("tests/suite/traces.rs"), "{place}");
    let line = line.parse::<usize>().unwrap();
    include_str!("traces.rs")
        .lines()
        .nth(line - 1)
        .unwrap()
        .trim()
        .to_owned()
}

fn parsed(text: &str) -> Result<u8, TaskError> {
    Ok(text.parse::<u8>()?)
}

#[tokio::test]
async fn an_error_tells_the_place_of_its_question_mark() {
    let report = report_of(Handler::fallible(|_| async { parsed("ten") })).await;
    insta::assert_snapshot!(place(&report), @"Ok(text.parse::<u8>()?)");
}

fn divide(by: u8) -> u8 {
    100 / by
}

#[tokio::test]
async fn a_panic_tells_its_place() {
    let report = report_of(Handler::new(|_| async { divide(0) })).await;
    insta::assert_snapshot!(place(&report), @"100 / by");
    assert_eq!(report["message"], "attempt to divide by zero");
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("too late");
    }
}

#[tokio::test]
async fn what_panics_while_the_task_is_dropped_tells_its_place() {
    let report = report_of(Handler::new(|_| {
        let bomb = Bomb;
        async move {
            let _bomb = bomb;
        }
    }));
    insta::assert_snapshot!(place(&report.await), @r#"panic!("too late");"#);
}

#[tokio::test]
async fn the_panic_of_another_is_not_taken_for_ours() {
    let report = report_of(Handler::fallible(|_| async {
        let another = thread::spawn(|| divide(0)).join();
        another.map_err(|_| "the thread has panicked")?;
        Ok(())
    }));
    let report = report.await;
    insta::assert_snapshot!(place(&report), @r#"another.map_err(|_| "the thread has panicked")?;"#);
    assert_eq!(report["message"], "the thread has panicked");
}

/// In a process of its own, since the variable is read once.
#[test]
fn the_frames_are_those_of_the_task() {
    let frames = |test: &str| {
        let mut again = Command::new(env::current_exe().unwrap());
        again.args([test, "--exact", "--ignored", "--nocapture"]);
        let output = again.env("RUST_BACKTRACE", "1").output().unwrap();
        let output = String::from_utf8(output.stdout).unwrap();
        let frames = output
            .lines()
            .filter_map(|line| line.strip_prefix("frame: "));
        frames
            .map(|frame| frame.split(" at ").next().unwrap().to_owned() + "\n")
            .collect::<String>()
    };
    insta::assert_snapshot!(frames("traces::an_error_with_its_frames"), @r"
    suite::traces::parsed
    suite::traces::an_error_with_its_frames::{{closure}}::{{closure}}::{{closure}}
    ");
    insta::assert_snapshot!(frames("traces::a_panic_with_its_frames"), @r"
    suite::traces::divide
    suite::traces::a_panic_with_its_frames::{{closure}}::{{closure}}::{{closure}}
    ");
}

fn print(report: &Value) {
    for frame in report["backtrace"].as_array().unwrap() {
        println!("frame: {}", frame.as_str().unwrap());
    }
}

#[tokio::test]
#[ignore = "started by another"]
async fn an_error_with_its_frames() {
    print(&report_of(Handler::fallible(|_| async { parsed("ten") })).await);
}

#[tokio::test]
#[ignore = "started by another"]
async fn a_panic_with_its_frames() {
    print(&report_of(Handler::new(|_| async { divide(0) })).await);
}
