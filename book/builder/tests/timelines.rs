//! What workers did, from the recording to the page.

use book::record::record;
use serde_json::Value;

use crate::fixture::{Fixture, assert_says};

const MANIFEST: &str =
    "[package]\nname = \"tool\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n";

/// A program that tells what engines tell.
const PROGRAM: &str = r#"
use std::process::{Command, exit};
use std::thread::park;

fn log(text: &str) {
    let date = Command::new("date").args(["-u", "+%FT%T.%6NZ"]).output().unwrap();
    eprintln!("{}  INFO {text}", String::from_utf8_lossy(&date.stdout).trim());
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["start", "refused"] => exit(3),
        ["start", ref rest @ ..] => {
            log("engine started workers=2");
            log("task started worker=1 task=1");
            if rest == ["hanging"] {
                loop { park() }
            }
            log("task finished worker=1 task=1 elapsed_ms=1");
            log("engine stopped");
        }
        _ => {}
    }
}
"#;

const SESSION: &str = "\
$ cargo run -q -p tool -- create waiting --count 3
$ cargo run -q -p tool -- list
$ cargo run -q -p tool -- start hanging 2> un.txt &
$ sleep 0.5
$ kill -0 %1; kill -9 %1
$ TASK_ENGINE_INSTANCE=b cargo run -q -p tool -- start 2> deux.txt
$ cargo run -q -p tool -- start refused
";

const FILE: &str = "book/transcripts/a.timeline.jsonl";

const TIMELINE: &str = r#"{"command":{"at":0,"label":"create ×3"}}
{"engine":{"name":null,"workers":2,"start":100,"end":1100,"ending":"killed","signals":[{"at":1100,"label":"SIGKILL"}]}}
{"execution":{"worker":0,"task":1,"start":100,"end":600,"outcome":"success"}}
{"execution":{"worker":0,"task":2,"start":600,"end":1100,"outcome":"cut"}}
{"engine":{"name":"b","workers":1,"start":1200,"end":2000,"ending":"stopped","signals":[]}}
{"execution":{"worker":0,"task":3,"start":1300,"end":1301,"outcome":"retry"}}
{"engine":{"name":"b","workers":null,"start":2000,"end":2050,"ending":"refused","signals":[]}}
{"end":2100}
"#;

fn fixture() -> Fixture {
    let fixture = Fixture::new();
    fixture.add("{{#timeline a Un dessin}}");
    fixture
}

fn recordable() -> Fixture {
    let fixture = fixture();
    fixture.write("Cargo.toml", MANIFEST);
    fixture.write("src/main.rs", PROGRAM);
    fixture.write("book/transcripts/a.console", SESSION);
    fixture
}

#[test]
fn a_drawn_session_keeps_what_was_done_and_when() {
    let fixture = recordable();
    record(fixture.root(), &[], false).unwrap();
    let text = fixture.read(FILE);
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["command"]["label"], "create ×3");
    assert_eq!(lines[1]["engine"]["ending"], "killed");
    assert_eq!(lines[1]["engine"]["workers"], 2);
    assert_eq!(lines[1]["engine"]["signals"][0]["label"], "SIGKILL");
    assert_eq!(lines[2]["execution"]["outcome"], "cut");
    assert_eq!(lines[2]["execution"]["end"], lines[1]["engine"]["end"]);
    assert_eq!(lines[3]["engine"]["name"], "b");
    assert_eq!(lines[3]["engine"]["ending"], "stopped");
    assert_eq!(lines[4]["execution"]["outcome"], "success");
    assert_eq!(lines[4]["execution"]["worker"], 1);
    assert_eq!(lines[5]["engine"]["ending"], "refused");
    assert!(lines[1]["engine"]["end"].as_u64() <= lines[3]["engine"]["start"].as_u64());
    assert!(
        lines[6]["end"].as_u64() >= Some(500),
        "half a second was slept: {text}"
    );
}

#[test]
fn another_outcome_is_found_but_not_another_time() {
    let fixture = recordable();
    record(fixture.root(), &[], false).unwrap();
    record(fixture.root(), &[], true).unwrap();
    let spoiled = fixture.read(FILE).replace("\"success\"", "\"failure\"");
    fixture.write(FILE, &spoiled);
    let error = record(fixture.root(), &[], true).unwrap_err().to_string();
    assert_says(
        &error,
        &[FILE, "- task 1: [Cut, Failure]", "+ task 1: [Cut, Success]"],
    );
}

#[test]
fn only_sessions_that_are_drawn_have_a_timeline() {
    let fixture = recordable();
    fixture.add("");
    record(fixture.root(), &[], false).unwrap();
    assert!(!fixture.root().join(FILE).exists());
}

#[test]
fn a_timeline_is_drawn_and_told() {
    let fixture = fixture();
    fixture.write(FILE, TIMELINE);
    assert_says(
        &fixture.page(),
        &[
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"timeline\" role=\"img\" aria-label=\"Un dessin\" aria-describedby=\"timeline-a\"",
            "<desc id=\"timeline-a\">Terminal\u{a0}: create ×3 à 0,00\u{a0}s. \
             Moteur 1, démarré à 0,10\u{a0}s, SIGKILL à 1,10\u{a0}s, tué à 1,10\u{a0}s. \
             Worker 0\u{a0}: tâche 1 de 0,10 à 0,60\u{a0}s, terminée\u{a0}; tâche 2 de 0,60 à 1,10\u{a0}s, coupée. \
             Worker 1\u{a0}: aucune tâche. \
             Moteur b, démarré à 1,20\u{a0}s, arrêté à 2,00\u{a0}s. \
             Worker 0\u{a0}: tâche 3 de 1,30 à 1,30\u{a0}s, échouée, à réessayer. \
             Moteur b, refuse de démarrer à 2,05\u{a0}s.</desc>",
            "<path class=\"success\" d=\"M",
            "url(#timeline-a-Retry)",
            ">échouée, à réessayer</text>",
            ">refus de démarrer</text>",
            "<figcaption>Un dessin</figcaption>",
        ],
    );
}

#[test]
fn a_worker_that_does_much_is_summed_up() {
    let fixture = fixture();
    let engine = TIMELINE.lines().nth(4).unwrap().to_owned();
    let executions = (1..=9).map(|task: u64| {
        let (start, end) = (task * 90, task * 90 + 80);
        format!(
            "{{\"execution\":{{\"worker\":0,\"task\":{task},\"start\":{start},\"end\":{end},\"outcome\":\"success\"}}}}"
        )
    });
    let lines: Vec<String> = [engine].into_iter().chain(executions).collect();
    fixture.write(FILE, &lines.join("\n"));
    assert_says(
        &fixture.page(),
        &["Worker 0\u{a0}: 9 tâches de 0,09 à 0,89\u{a0}s."],
    );
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    let fixture = fixture();
    assert_says(
        &fixture.refusal(),
        &["book/src/two.md:9: ", "book -- record a"],
    );
    let engine = TIMELINE.lines().nth(1).unwrap();
    fixture.write(FILE, engine);
    assert_says(&fixture.refusal(), &[FILE, "has no execution"]);
    fixture.write(FILE, TIMELINE.lines().nth(2).unwrap());
    assert_says(
        &fixture.refusal(),
        &[FILE, "an execution comes before its engine"],
    );
    fixture.write("book/src/two.md", "{{#timeline a}}");
    assert_says(
        &fixture.refusal(),
        &["is written {{#timeline NAME TITLE…}}"],
    );
}
