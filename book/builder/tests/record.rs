//! Recording sessions, with a small program.

use book::record::record;

use crate::fixture::{Fixture, assert_says};

const MANIFEST: &str =
    "[package]\nname = \"tool\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n";

const PROGRAM: &str = r#"
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("sleep") => loop {
            std::thread::park();
        },
        Some("where") => println!("{} {}", std::env::current_dir().unwrap().display(), std::process::id()),
        _ => eprintln!("{arguments:?} {:?}", std::env::var("TASK_ENGINE_DATABASE").ok()),
    }
}
"#;

fn fixture(session: &str) -> Fixture {
    let fixture = Fixture::new();
    fixture.write("Cargo.toml", MANIFEST);
    fixture.write("src/main.rs", PROGRAM);
    fixture.write("book/transcripts/a.console", session);
    fixture
}

fn recorded(fixture: &Fixture) -> String {
    fixture.read("book/transcripts/a.console")
}

#[test]
fn a_session_is_run_again_and_written_down() {
    let fixture = fixture(
        "$ cargo run -q -p tool -- a 'b c'\nold\n\
         $ TASK_ENGINE_DATABASE=x.db cargo run -q -p tool 2>&1 | cat\n\
         $ pwd; echo one \\\n>   two\n\
         $ cargo run -q -p tool -- sleep &\n\
         $ kill -9 %1; wait %1; echo \"status $?\"\n\
         $ false\n\
         $ echo \"status $?\"\n\
         $ unknown-program\n",
    );
    record(fixture.root(), &[], false).unwrap();
    assert_eq!(
        recorded(&fixture),
        "$ cargo run -q -p tool -- a 'b c'\n[\"a\", \"b c\"] None\n\
         $ TASK_ENGINE_DATABASE=x.db cargo run -q -p tool 2>&1 | cat\n[] Some(\"x.db\")\n\
         $ pwd; echo one \\\n>   two\n~/essai\none two\n\
         $ cargo run -q -p tool -- sleep &\n\
         $ kill -9 %1; wait %1; echo \"status $?\"\nstatus 137\n\
         $ false\n$ echo \"status $?\"\nstatus 1\n\
         $ unknown-program\nbash: unknown-program: command not found\n"
    );
    record(fixture.root(), &["a".to_owned()], true).unwrap();
}

#[test]
fn a_session_that_shows_something_else_is_found() {
    let fixture = fixture("$ echo one 1; echo two 2\ntwo 7\none 8\n");
    record(fixture.root(), &[], true).unwrap();
    fixture.write("book/transcripts/a.console", "$ echo one 1\nthree 1\n");
    let error = record(fixture.root(), &[], true).unwrap_err().to_string();
    assert_says(
        &error,
        &["book/transcripts/a.console: ", "\n- three 0", "\n+ one 0"],
    );
}

#[test]
fn a_session_that_was_late_is_run_again_alone() {
    let fixture = fixture("$ true\n");
    let tries = fixture.root().join("tries");
    let late = |times: &str| {
        let count = format!(
            "echo x >> {0}; grep -c x {0} | grep -v '{times}'",
            tries.display()
        );
        fixture.write("book/transcripts/a.console", &format!("$ {count}\n3\n"));
        fixture.write("tries", "");
        record(fixture.root(), &[], true)
    };
    late("[12]").unwrap();
    late("[123]").unwrap_err();
}

#[test]
fn cargo_is_known_in_one_form_only() {
    let error = record(fixture("$ cargo test\n").root(), &[], false).unwrap_err();
    assert_says(&format!("{error:#}"), &["a.console", "not: cargo test"]);
}

#[test]
fn an_absent_session_is_refused() {
    let error = record(fixture("$ ls\n").root(), &["b".to_owned()], false).unwrap_err();
    assert_says(&error.to_string(), &["there is no", "b.console"]);
}
