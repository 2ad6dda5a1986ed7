//! A small repository in a temporary folder: two steps and one chapter.

use std::fs;
use std::path::Path;

use book::{build, check};
use tempfile::TempDir;

/// A repository that can be built, and spoiled.
pub struct Fixture {
    folder: TempDir,
}

const BOOK: &str = r#"
[book]
title = "Essai"
language = "fr"

[build]
create-missing = false
use-default-preprocessors = false

[output.html]
playground = { runnable = false }

[preprocessor.steps]
least-shown = 0
"#;

const WORKER: &str = "\
//! The worker.

use std::fmt;

/// Works.
pub struct Worker;

impl Worker {
    /// Runs.
    pub fn run(&self) -> u32 {
        1
    }
}
";

const MIGRATION: &str = "\
CREATE TABLE tasks (
    id INTEGER PRIMARY KEY
) STRICT;
";

const MATRIX: &str = r#"[
    {"name": "runs", "since": "one", "until": null, "results": {"one": "pass", "two": "pass"}},
    {"name": "stops", "since": "two", "until": null, "results": {"one": "fail", "two": "pass"}}
]"#;

/// A chapter that shows all of the second step.
pub const CHAPTER: &str = "\
# Deux

{{#card two}}

{{#diff two src/worker.rs Worker::run}}

{{#rest two migrations/}}
";

impl Fixture {
    /// Two steps, a chapter for the second, no problem.
    pub fn new() -> Self {
        let fixture = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        fixture.write("README.md", "# Essai\n");
        fixture.write("book/book.toml", BOOK);
        fixture.write(
            "book/checks.toml",
            "runs = \"Une tâche.\"\nstops = \"Un arrêt.\"\n",
        );
        fixture.write("book/src/SUMMARY.md", "- [Un](one.md)\n- [Deux](two.md)\n");
        fixture.write(
            "book/src/one.md",
            "# Un\n\n{{#card one}}\n\n{{#rest one src/ Cargo.toml}}\n",
        );
        fixture.write("book/src/two.md", CHAPTER);
        fixture.write("tests/matrix.json", MATRIX);
        fixture.step(1, "one", WORKER);
        fixture.step(2, "two", &WORKER.replace("        1\n", "        2\n"));
        fixture.write("steps/step02-two/migrations/01_create_tasks.sql", MIGRATION);
        fixture
    }

    fn step(&self, number: u32, slug: &str, worker: &str) {
        let folder = format!("steps/step0{number}-{slug}");
        let manifest = format!(
            "[package]\nname = \"step0{number}-{slug}\"\nversion = \"0.1.0\"\ndescription = \"A step.\"\n\n\
             [package.metadata.step]\npart = {}\ntitle = \"Une étape\"\n\n[dependencies]\n",
            number + 1
        );
        self.write(&format!("{folder}/Cargo.toml"), &manifest);
        self.write(&format!("{folder}/src/worker.rs"), worker);
    }

    /// The root of the repository.
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file, given by its path from the root.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Writes at the end of a file.
    pub fn append(&self, path: &str, text: &str) {
        self.write(path, &(self.read(path) + text));
    }

    /// Reads a file, given by its path from the root.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).unwrap()
    }

    /// Adds lines to the chapter of the second step.
    pub fn add(&self, text: &str) {
        self.write("book/src/two.md", &format!("{CHAPTER}\n{text}\n"));
    }

    /// Builds; the page of the second step, or what is wrong.
    pub fn build(&self) -> Result<String, String> {
        let site = build::site(self.root());
        build::build(self.root(), &site).map_err(|error| format!("{error:#}"))?;
        Ok(fs::read_to_string(site.join("two.html")).unwrap())
    }

    /// What the chapter of the second step becomes.
    pub fn page(&self) -> String {
        let page = self.build().unwrap_or_else(|error| panic!("{error}"));
        let main = page.split("<main>").nth(1).unwrap();
        main.split("</main>").next().unwrap().to_owned()
    }

    /// Why the book can't be built.
    pub fn refusal(&self) -> String {
        self.build().expect_err("the book is built all the same")
    }

    /// What there is to mend in a book that can be built.
    pub fn complaint(&self) -> String {
        let result = check::check(self.root(), false);
        format!("{:#}", result.expect_err("the check finds nothing"))
    }
}

/// Asserts that `text` contains each of `parts`.
#[track_caller]
pub fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` isn't in:\n{text}");
    }
}
