//! What the compiler refuses, with a step that compiles.

use book::exercises::refused::{check, record};

use crate::fixture::{Fixture, assert_says};

const LIBRARY: &str = "\
//! One.

/// Nothing.
pub struct Nothing;

/// One.
pub fn one() -> u32 {
    1
}
";

/// A thread that borrows what threads can't share: the standard library's own code is in the message.
const PATCH: &str = "\
diff --git a/src/lib.rs b/src/lib.rs
--- a/src/lib.rs
+++ b/src/lib.rs
@@ -1,3 +1,5 @@
 //! One.
 
+use std::cell::Cell;
+
 /// Nothing.
@@ -6,4 +8,6 @@
 /// One.
 pub fn one() -> u32 {
-    1
+    let one = Cell::new(1);
+    std::thread::spawn(|| one.get());
+    1
 }
";

const STALE: &str = "two-thread.patch: isn't what the compiler was seen to refuse: run cargo run -p book -- refused two-thread";

fn fixture(patch: &str) -> Fixture {
    let fixture = Fixture::new();
    fixture.write(
        "Cargo.toml",
        "[workspace]\nresolver = \"3\"\nmembers = [\"steps/*\"]\n",
    );
    fixture.write("steps/step02-two/src/lib.rs", LIBRARY);
    fixture.write("steps/step02-two/tests/suite/main.rs", "//! Two.\n");
    fixture.write("book/refused/two-thread.patch", patch);
    fixture.add("{{#rest two src/lib.rs tests/}}\n\n{{#refused two-thread}}");
    fixture
}

fn run(fixture: &Fixture, names: &[&str]) -> Result<(), String> {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let target = fixture.root().join("target");
    record(fixture.root(), &target, &names).map_err(|error| format!("{error:#}"))
}

fn problems(fixture: &Fixture) -> String {
    let problems = check(fixture.root()).unwrap();
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[test]
fn what_the_compiler_says_is_recorded_and_shown() {
    let fixture = fixture(PATCH);
    run(&fixture, &[]).unwrap();
    let message = fixture.read("book/refused/two-thread.txt");
    assert_says(
        &message,
        &[
            "error[E0277]: `Cell<i32>` cannot be shared between threads safely\n",
            "  --> src/lib.rs:11:",
        ],
    );
    assert!(message.ends_with("\nnote: required by a bound in `spawn`\n  …\n"));
    let page = fixture.page();
    assert_says(
        &page,
        &[
            "<span class=\"where\">essai, refusé ci-dessous</span>",
            "<del class=\"del\">    1\n</del><ins class=\"add\">    let one = Cell::new(1);\n</ins>",
            "Le compilateur refuse\u{a0}: <a href=\"https://doc.rust-lang.org/error_codes/E0277.html\">E0277</a>",
            "<pre class=\"plain\" lang=\"en\" translate=\"no\"><code class=\"language-plaintext\">error[E0277]: `Cell&lt;i32&gt;`",
        ],
    );
    assert!(!page.contains("use std::cell::Cell"), "{page}");
}

#[test]
fn a_message_is_what_was_recorded_or_is_stale() {
    let fixture = fixture(PATCH);
    assert_says(&problems(&fixture), &[STALE]);
    run(&fixture, &[]).unwrap();
    assert_eq!(problems(&fixture), "");
    fixture.append(
        "steps/step02-two/tests/suite/main.rs",
        "//! Another test.\n",
    );
    assert_eq!(problems(&fixture), "");

    let changes = [
        "book/refused/two-thread.txt",
        "book/refused/two-thread.patch",
        "steps/step02-two/src/worker.rs",
    ];
    for path in changes {
        let before = fixture.read(path);
        fixture.append(path, "# More.\n");
        assert_says(&problems(&fixture), &[STALE]);
        fixture.write(path, &before);
        assert_eq!(problems(&fixture), "");
    }
}

#[test]
fn a_patch_that_is_not_refused_or_not_shown_is_a_problem() {
    let cases = [
        ("|| one", "move || one", "it compiles"),
        ("+    let", "+   let", "cargo fmt --check"),
        ("-    1", "-    7", "doesn't apply to two"),
    ];
    for (right, wrong, message) in cases {
        let fixture = fixture(&PATCH.replace(right, wrong));
        let error = run(&fixture, &["two-thread"]).unwrap_err();
        assert_says(&error, &["book/refused/two-thread.patch: ", message]);
    }

    let fixture = fixture(PATCH);
    run(&fixture, &[]).unwrap();
    fixture.write("book/src/two.md", "# Deux\n");
    let message = "two-thread.patch: no chapter has {{#refused two-thread}}";
    assert_says(&problems(&fixture), &[message]);
    fixture.add("{{#refused two-process}}");
    let message = "two.md:9: can't read book/refused/two-process.patch";
    assert_says(&fixture.refusal(), &[message]);
}
