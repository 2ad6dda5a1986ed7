//! The solutions of the exercises, with a step that compiles.

use book::exercises::{check, exercises};

use crate::fixture::{Fixture, assert_says};

const LIBRARY: &str = "//! One.\n\npub fn one() -> u32 {\n    1\n}\n";
const SUITE: &str =
    "//! One.\n\n#[test]\nfn one_is_one() {\n    assert_eq!(step02_two::one(), 1);\n}\n";

const SOLUTION: &str = "\
diff --git a/src/lib.rs b/src/lib.rs
--- a/src/lib.rs
+++ b/src/lib.rs
@@ -3,3 +3,7 @@
 pub fn one() -> u32 {
     1
 }
+
+pub fn two() -> u32 {
+    2
+}
diff --git a/tests/suite/main.rs b/tests/suite/main.rs
--- a/tests/suite/main.rs
+++ b/tests/suite/main.rs
@@ -4,3 +4,8 @@
 fn one_is_one() {
     assert_eq!({crate}::one(), 1);
 }
+
+#[test]
+fn two_is_two() {
+    assert_eq!({crate}::two(), 2);
+}
";

const EXERCISE: &str = "\
1. Deux.

   <details>
   <summary>Indice</summary>

   Un et un.

   </details>

   {{#solution two-more}}
";

fn fixture() -> Fixture {
    let fixture = Fixture::new();
    fixture.write(
        "Cargo.toml",
        "[workspace]\nresolver = \"3\"\nmembers = [\"steps/*\"]\n",
    );
    fixture.write("steps/step02-two/src/lib.rs", LIBRARY);
    fixture.write("steps/step02-two/tests/suite/main.rs", SUITE);
    fixture.write("book/exercises/two-more.patch", SOLUTION);
    fixture.add(&format!("{EXERCISE}\n{{{{#rest two src/lib.rs tests/}}}}"));
    fixture
}

/// Tests the solutions, in a target of the fixture's own.
fn run(fixture: &Fixture, names: &[&str]) -> Result<(), String> {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let target = fixture.root().join("target");
    exercises(fixture.root(), &target, &names).map_err(|error| format!("{error:#}"))
}

fn problems(fixture: &Fixture) -> String {
    let problems = check(fixture.root()).unwrap();
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[test]
fn a_solution_is_shown_folded_with_the_names_of_its_step() {
    let page = fixture().page();
    assert_says(
        &page,
        &[
            "<details class=\"solution\">",
            "<summary>Solution</summary>",
            "href=\"steps/step02-two/src/lib.rs.html\"",
            "<span class=\"same\">}\n</span><ins class=\"add\">\n</ins><ins class=\"add\">pub fn two() -&gt; u32 {\n</ins>",
            "assert_eq!(step02_two::two(), 2);",
        ],
    );
}

#[test]
fn an_unknown_solution_is_refused() {
    let fixture = fixture();
    fixture.add("{{#solution two-less}}");
    let message = "two.md:9: can't read book/exercises/two-less.patch";
    assert_says(&fixture.refusal(), &[message]);
}

#[test]
fn a_solution_is_tested_once_and_again_when_it_or_its_step_changes() {
    let fixture = fixture();
    let stale = "two-more.patch: hasn't been tested on its step as it is: run cargo run -p book -- exercises two-more";
    assert_says(&problems(&fixture), &[stale]);
    run(&fixture, &[]).unwrap();
    assert_eq!(problems(&fixture), "");

    fixture.append("book/exercises/two-more.patch", "\n");
    assert_says(&problems(&fixture), &[stale]);
    fixture.write("book/exercises/two-more.patch", SOLUTION);
    assert_eq!(problems(&fixture), "");

    // Another test says nothing of it.
    fixture.write("steps/step02-two/tests/suite/other.rs", "// Another.\n");
    assert_eq!(problems(&fixture), "");

    fixture.append("steps/step02-two/src/worker.rs", "// More.\n");
    assert_says(&problems(&fixture), &[stale]);
    fixture.write("steps/step02-two/src/lib.rs", "//! Nothing.\n");
    assert_says(
        &problems(&fixture),
        &["doesn't apply to two", "patch failed: src/lib.rs"],
    );
}

#[test]
fn a_step_that_is_only_numbered_otherwise_needs_no_new_test() {
    let fixture = fixture();
    run(&fixture, &[]).unwrap();
    let files = [
        "Cargo.toml",
        "migrations/01_create_tasks.sql",
        "src/lib.rs",
        "src/worker.rs",
        "tests/suite/main.rs",
    ];
    for file in files {
        let text = fixture.read(&format!("steps/step02-two/{file}"));
        let text = text.replace("step02", "step03");
        fixture.write(&format!("steps/step03-two/{file}"), &text);
    }
    let between = fixture
        .read("steps/step01-one/Cargo.toml")
        .replace("step01-one", "step02-between");
    std::fs::remove_dir_all(fixture.root().join("steps/step02-two")).unwrap();
    fixture.write("steps/step02-between/Cargo.toml", &between);
    assert_eq!(problems(&fixture), "");
}

#[test]
fn a_solution_that_is_wrong_is_refused() {
    let cases = [
        ("    2\n", "    3\n", "two_is_two"),
        ("+    2\n", "+  2\n", "cargo fmt --check"),
        ("+pub fn two", "+fn two", "is private"),
        ("::two(), 2", "::one(), 1", "its test passes without it"),
        ("+#[test]", "+#[cfg(test)]", "adds no test to tests/"),
        ("    1\n }", "    7\n }", "doesn't apply to two"),
        (
            "+    2\n",
            "+    let three = 3;\n+    2\n",
            "it compiles with warnings",
        ),
    ];
    for (right, wrong, message) in cases {
        let fixture = fixture();
        let patch = SOLUTION.replacen(right, wrong, 1).replace(
            "+3,7",
            if wrong.contains("let") {
                "+3,8"
            } else {
                "+3,7"
            },
        );
        fixture.write("book/exercises/two-more.patch", &patch);
        let error = run(&fixture, &["two-more"]).unwrap_err();
        assert_says(&error, &["book/exercises/two-more.patch: ", message]);
        assert_says(&problems(&fixture), &["two-more.patch: "]);
    }
}

#[test]
fn a_solution_has_one_chapter_and_an_exercise_a_solution() {
    let fixture = fixture();
    run(&fixture, &[]).unwrap();
    fixture.append("book/src/one.md", EXERCISE);
    let message = "two.md:18: book/src/one.md shows the solution two-more already";
    assert_says(&problems(&fixture), &[message]);

    fixture.write("book/src/one.md", &EXERCISE.replace("two-more", "two-less"));
    fixture.write("book/src/two.md", "# Deux\n");
    let message = "two-more.patch: no chapter has {{#solution two-more}}";
    assert_says(&problems(&fixture), &[message]);

    fixture.write(
        "book/src/one.md",
        &EXERCISE.replace("{{#solution two-more}}", "{{#card one}}"),
    );
    fixture.write("book/src/two.md", "# Deux\n\n{{#solution two-more}}\n");
    let problems_without = problems(&fixture);
    assert_says(
        &problems_without,
        &[
            "one.md:4: this exercise has no solution",
            "two.md:3: the solution two-more comes after no hint",
        ],
    );
    fixture.write(
        "book/src/three.md",
        &EXERCISE.replace("{{#solution two-more}}", ""),
    );
    let allowed = |count: usize| {
        let book = fixture.read("book/book.toml");
        let book = book.split("without-solution").next().unwrap().to_owned();
        fixture.write(
            "book/book.toml",
            &format!("{book}without-solution = {count}\n"),
        );
    };
    allowed(1);
    assert!(!problems(&fixture).contains("has no solution"));
    allowed(2);
    assert_says(
        &problems(&fixture),
        &["book.toml: without-solution: 1 exercises are left"],
    );
}
