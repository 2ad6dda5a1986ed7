//! The patches are what the steps give.

use std::path::Path;

use xtask::{Steps, Tree, patch};

use crate::common::{Project, collect};

#[test]
fn fresh_patches_pass_the_check() {
    let project = Project::new();
    project.xtask("diffs --check").succeeds();
    let patch = project.read("book/diffs/two.diff");
    assert!(patch.contains("+pub mod two;"), "{patch}");
    assert!(
        !patch.contains("step0"),
        "names must be normalised: {patch}"
    );
}

#[test]
fn a_patch_turns_a_step_into_the_next_one() {
    let project = Project::new();
    project.write("steps/step02-two/src/empty.rs", "");
    project.write("steps/step02-two/src/open.rs", "no end of line");
    project.delete("steps/step02-two/tests/count.rs");
    project.edit("steps/step02-two/src/count.rs", "    finish(sum);\n", "");
    let steps = Steps::load(project.root()).unwrap();
    let target = tempfile::tempdir().unwrap();
    for step in steps.iter() {
        let file = project.path("step.diff");
        std::fs::write(&file, patch(&steps.changes(&step.slug).unwrap())).unwrap();
        let directory = format!("--directory={}", target.path().display());
        project.git(&["apply", "--unsafe-paths", &directory, "step.diff"]);
        assert_eq!(
            read(target.path()),
            step.normalised().unwrap(),
            "{}",
            step.slug
        );
    }
}

#[test]
fn stale_missing_and_extra_patches_are_named() {
    let project = Project::new();
    project.edit("book/diffs/one.diff", "+//! Counts.", "+//! Sums.");
    project.delete("book/diffs/two.diff");
    project.write("book/diffs/four.diff", "");
    let before = project.files();
    project.xtask("diffs --check").fails_with(&[
        "book/diffs/one.diff is stale",
        "committed: +//! Sums.",
        "the steps: +//! Counts.",
        "book/diffs/two.diff is missing",
        "book/diffs/four.diff is the patch of no step",
        "run: cargo xtask diffs",
    ]);
    assert_eq!(project.files(), before);

    project.xtask("diffs").succeeds();
    assert!(!project.path("book/diffs/four.diff").exists());
    project.xtask("diffs --check").succeeds();
}

#[test]
fn a_propagated_edit_changes_one_patch() {
    let project = Project::new();
    project.edit("steps/step01-one/src/count.rs", "0..10", "1..=10");
    project.xtask("diffs --check").fails_with(&[
        "one.diff is stale",
        "two.diff is stale",
        "propagate SLUG",
    ]);
    project.xtask("propagate one").succeeds();
    let run = project.xtask("diffs --check");
    run.fails_with(&["book/diffs/one.diff is stale"]);
    assert!(!run.stderr.contains("two.diff"), "{}", run.stderr);
}

#[test]
fn an_empty_file_has_no_hunk() {
    let project = Project::new();
    project.write("steps/step03-three/src/empty.rs", "");
    let run = project.xtask("diff three src/empty.rs");
    assert_eq!(
        run.succeeds().stdout,
        "diff --git a/src/empty.rs b/src/empty.rs\nnew file mode 100644\n"
    );
}

#[test]
fn the_difference_is_shown_with_shared_names() {
    let project = Project::new();
    let run = project.xtask("diff two");
    assert!(run.succeeds().stdout.contains("+pub mod two;"));
    assert!(!run.stdout.contains('\u{1b}'), "no colours in a pipe");
    let one_file = project.xtask("diff two src/two.rs");
    assert!(one_file.succeeds().stdout.contains("+//! Two."));
    assert!(!one_file.stdout.contains("pub mod"));

    project
        .xtask("diff two src/none.rs")
        .fails_with(&["doesn't change `src/none.rs`", "src/two.rs"]);
    project
        .xtask("diff four")
        .fails_with(&["there is no step `four`", "one, two, three"]);
}

fn read(folder: &Path) -> Tree {
    let files = collect(folder).into_iter();
    files
        .map(|(path, bytes)| (path, String::from_utf8(bytes).unwrap()))
        .collect()
}
