//! An edit in a step reaches all the following ones, or nothing is half done.

use crate::common::Project;

#[test]
fn an_edit_reaches_the_last_step() {
    let project = Project::new();
    project.edit("steps/step01-one/src/count.rs", "0..10", "1..=10");
    let run = project.xtask("propagate one");
    run.succeeds();

    for step in ["step02-two", "step03-three"] {
        let text = project.read(&format!("steps/{step}/src/count.rs"));
        assert!(text.contains("for number in 1..=10"), "{text}");
        assert!(text.contains("pub mod two;"), "the step's own line: {text}");
    }
    let mut edited = project.edited("steps");
    edited.sort();
    assert_eq!(
        edited,
        [
            "steps/step01-one/src/count.rs",
            "steps/step02-two/src/count.rs",
            "steps/step03-three/src/count.rs"
        ]
    );
    assert!(
        run.stdout.contains("  steps/step02-two/src/count.rs\n"),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout
            .contains("cargo test -p step02-two -p step03-three")
    );
    assert!(run.stdout.contains("cargo xtask diffs"));
}

#[test]
fn an_edit_starts_from_the_step_it_was_made_in() {
    let project = Project::new();
    project.edit("steps/step02-two/src/two.rs", "Two", "The second");
    project.xtask("propagate two").succeeds();
    assert_eq!(
        project.read("steps/step03-three/src/two.rs"),
        "//! The second.\n"
    );
    assert!(project.edited("steps/step01-one").is_empty());
}

#[test]
fn names_and_identities_stay_each_step_s_own() {
    let project = Project::new();
    let manifest = "steps/step01-one/Cargo.toml";
    project.edit(manifest, "version = \"0.1.0\"", "version = \"0.2.0\"");
    project.edit(manifest, "Étape one", "Une étape");
    project.edit(manifest, "Adds one.", "Adds the first thing.");
    project.write(
        "steps/step01-one/tests/count.rs",
        "use step01_one::{Error, count};\n// step01-one\n",
    );
    let snapshot = "tests/snapshots/count__ten.snap";
    project.edit(&format!("steps/step01-one/{snapshot}"), "45", "55");
    let before = project.read("steps/step03-three/Cargo.toml");
    project.xtask("propagate one").succeeds();

    assert_eq!(
        project.read("steps/step03-three/Cargo.toml"),
        before.replace("0.1.0", "0.2.0")
    );
    assert_eq!(
        project.read("steps/step03-three/tests/count.rs"),
        "use step03_three::{Error, count};\n// step03-three\n"
    );
    assert_eq!(
        project.read(&format!("steps/step03-three/{snapshot}")),
        "---\nsource: steps/step03-three/tests/count.rs\n---\n55\n"
    );
}

#[test]
fn added_and_deleted_files_follow() {
    let project = Project::new();
    project.write(
        "steps/step01-one/src/deep/new.rs",
        "use step01_one::count;\n",
    );
    project.write("steps/step01-one/src/snapshots/step01_one__a.snap", "1\n");
    project.delete("steps/step01-one/tests/count.rs");
    project.xtask("propagate one").succeeds();

    for (step, library) in [
        ("step02-two", "step02_two"),
        ("step03-three", "step03_three"),
    ] {
        assert_eq!(
            project.read(&format!("steps/{step}/src/deep/new.rs")),
            format!("use {library}::count;\n")
        );
        assert!(
            project
                .path(&format!("steps/{step}/src/snapshots/{library}__a.snap"))
                .exists()
        );
        assert!(
            !project
                .path(&format!("steps/{step}/tests/count.rs"))
                .exists()
        );
    }
}

#[test]
fn an_edit_of_a_file_that_a_later_step_lacks_conflicts() {
    let project = Project::new();
    for step in ["step02-two", "step03-three"] {
        project.delete(&format!("steps/{step}/tests/count.rs"));
        project.delete(&format!("steps/{step}/src/lib.rs"));
    }
    project.commit("the test isn't carried over");
    project.write(
        "steps/step01-one/tests/count.rs",
        "use step01_one::{Error, count};\n",
    );
    let lost = "steps/step02-two/tests/count.rs";
    let run = project.xtask("propagate one");
    run.fails_with(&["the edit of `one` conflicts with `two`", lost]);
    assert!(
        !run.stderr.contains("src/lib.rs"),
        "it has no edit: {run:?}"
    );
    let text = project.read(lost);
    for part in [
        "<<<<<<< two (no such file)",
        "-use step02_two::count;",
        "+use step02_two::{Error, count};",
    ] {
        assert!(text.contains(part), "{text}");
    }
    project
        .xtask("propagate --continue")
        .fails_with(&["conflict markers remain", lost]);

    project.edit("steps/step02-two/src/two.rs", "Two", "Two, and an error");
    project.delete(lost);
    project.xtask("propagate --continue").succeeds();
    assert_eq!(
        project.read("steps/step03-three/src/two.rs"),
        "//! Two, and an error.\n",
        "what was mended elsewhere is carried on"
    );
    assert!(!project.path("steps/step03-three/tests/count.rs").exists());
}

#[test]
fn a_file_deleted_everywhere_needs_no_word() {
    let project = Project::new();
    for step in ["step02-two", "step03-three"] {
        project.delete(&format!("steps/{step}/tests/count.rs"));
    }
    project.commit("the test isn't carried over");
    project.delete("steps/step01-one/tests/count.rs");
    let run = project.xtask("propagate one");
    assert!(!run.succeeds().stdout.contains("tests/count.rs"), "{run:?}");
}

#[test]
fn a_step_is_not_taken_for_another_whose_slug_ends_alike() {
    let project = Project::new();
    project.xtask("insert not-two --before two").succeeds();
    project.commit("a step between");
    project.edit("steps/step03-two/src/two.rs", "Two", "The second");
    project.xtask("propagate two").succeeds();
    assert_eq!(
        project.edited("steps"),
        [
            "steps/step03-two/src/two.rs",
            "steps/step04-three/src/two.rs"
        ]
    );
}

#[test]
fn a_conflict_stops_is_mended_and_goes_on() {
    let project = conflicting_in_two();
    let three = project.read("steps/step03-three/src/count.rs");
    let run = project.xtask("propagate one");
    run.fails_with(&[
        "the edit of `one` conflicts with `two`",
        "steps/step02-two/src/count.rs",
        "cargo xtask propagate --continue",
        "cargo xtask propagate --abort",
    ]);
    let conflict = project.read("steps/step02-two/src/count.rs");
    for marker in ["<<<<<<< two", "||||||| one before the edit", ">>>>>>> one"] {
        assert!(conflict.contains(marker), "{conflict}");
    }
    assert_eq!(project.read("steps/step02-two/src/new.rs"), "// new\n");
    assert_eq!(project.read("steps/step03-three/src/count.rs"), three);
    assert!(!project.path("steps/step03-three/src/new.rs").exists());

    let before = project.files();
    project.xtask("propagate --continue").fails_with(&[
        "conflict markers remain",
        "steps/step02-two/src/count.rs",
        "--abort",
    ]);
    project
        .xtask("propagate two")
        .fails_with(&["a propagation of `one` is under way"]);
    assert_eq!(project.files(), before);

    let mended = three
        .replace("0..20", "1..=20")
        .replace("pub mod three;\n", "");
    project.write("steps/step02-two/src/count.rs", &mended);
    project.write("steps/step03-three/src/other.rs", "");
    project
        .xtask("propagate --continue")
        .fails_with(&["later steps have uncommitted edits", "src/other.rs"]);
    project.delete("steps/step03-three/src/other.rs");
    project.xtask("propagate --continue").succeeds();
    assert_eq!(
        project.read("steps/step03-three/src/count.rs"),
        three.replace("0..20", "1..=20")
    );
    assert_eq!(project.read("steps/step03-three/src/new.rs"), "// new\n");
    project
        .xtask("propagate --continue")
        .fails_with(&["no propagation is under way"]);
}

#[test]
fn an_aborted_propagation_leaves_no_trace() {
    let project = conflicting_in_two();
    let before = project.files();
    project.xtask("propagate one").fails_with(&["--abort"]);
    assert_ne!(project.files(), before);
    project.xtask("propagate --abort").succeeds();
    assert_eq!(project.files(), before);
    project
        .xtask("propagate --abort")
        .fails_with(&["no propagation is under way"]);
}

#[test]
fn a_conflict_further_on_leaves_the_steps_before_it_done() {
    let project = Project::new();
    project.edit("steps/step03-three/src/count.rs", "0..10", "0..30");
    project.commit("three counts to thirty");
    project.edit("steps/step01-one/src/count.rs", "0..10", "1..=10");
    let before = project.files();
    project
        .xtask("propagate one")
        .fails_with(&["the edit of `two` conflicts with `three`"]);
    assert!(
        project
            .read("steps/step02-two/src/count.rs")
            .contains("1..=10")
    );
    project.xtask("propagate --abort").succeeds();
    assert_eq!(project.files(), before);
}

#[test]
fn a_file_added_on_both_sides_conflicts() {
    let project = Project::new();
    project.write("steps/step01-one/src/two.rs", "//! Another two.\n");
    project
        .xtask("propagate one")
        .fails_with(&["steps/step02-two/src/two.rs"]);
    let text = project.read("steps/step02-two/src/two.rs");
    assert!(
        text.contains("//! Two.") && text.contains("//! Another two."),
        "{text}"
    );
}

#[test]
fn a_deleted_file_that_the_next_step_has_changed_conflicts() {
    let project = Project::new();
    project.delete("steps/step01-one/src/count.rs");
    project
        .xtask("propagate one")
        .fails_with(&["steps/step02-two/src/count.rs"]);
    assert!(
        project
            .read("steps/step02-two/src/count.rs")
            .contains(">>>>>>> one (deleted)")
    );

    project.delete("steps/step02-two/src/count.rs");
    project
        .xtask("propagate --continue")
        .fails_with(&["steps/step03-three/src/count.rs"]);
    project.delete("steps/step03-three/src/count.rs");
    project.xtask("propagate --continue").succeeds();
}

#[test]
fn a_conflict_in_a_manifest_leaves_it_readable() {
    let project = Project::new();
    let line = "thiserror.workspace = true";
    for step in ["step02-two", "step03-three"] {
        project.edit(
            &format!("steps/{step}/Cargo.toml"),
            line,
            "thiserror = \"2.0.1\"",
        );
    }
    project.commit("a version of its own");
    project.edit("steps/step01-one/Cargo.toml", line, "thiserror = \"1\"");
    project
        .xtask("propagate one")
        .fails_with(&["steps/step02-two/Cargo.toml"]);

    let manifest = project.read("steps/step02-two/Cargo.toml");
    assert!(manifest.contains("\nthiserror = \"2.0.1\"\n"), "{manifest}");
    assert!(manifest.contains("\n# thiserror = \"1\"\n"), "{manifest}");
    assert!(manifest.contains("\n[dev-dependencies]\n"), "{manifest}");
    assert!(manifest.parse::<toml::Table>().is_ok(), "{manifest}");
    project
        .xtask("propagate --continue")
        .fails_with(&["conflict markers remain"]);
    project.xtask("propagate --abort").succeeds();
    assert!(project.edited("steps/step02-two").is_empty());
}

#[test]
fn a_conflict_in_a_snapshot_is_left_to_the_tests() {
    let project = Project::new();
    let snapshot = "tests/snapshots/count__ten.snap";
    project.edit(&format!("steps/step02-two/{snapshot}"), "45", "46");
    project.commit("two counts otherwise");
    project.edit(&format!("steps/step01-one/{snapshot}"), "45", "55");
    let run = project.xtask("propagate one");
    run.succeeds();
    assert!(
        project
            .read(&format!("steps/step02-two/{snapshot}"))
            .ends_with("\n46\n")
    );
    assert!(
        run.stdout
            .contains("INSTA_UPDATE=always cargo test -p step02-two"),
        "{}",
        run.stdout
    );
}

#[test]
fn uncommitted_edits_in_a_later_step_are_refused() {
    let project = Project::new();
    project.edit("steps/step01-one/src/count.rs", "0..10", "1..=10");
    project.edit("steps/step03-three/src/two.rs", "Two", "2");
    project.write("steps/step02-two/src/unknown.rs", "");
    let before = project.files();
    project.xtask("propagate one").fails_with(&[
        "steps/step02-two/src/unknown.rs",
        "steps/step03-three/src/two.rs",
        "commit them or undo them",
    ]);
    assert_eq!(project.files(), before);
}

#[test]
fn committed_edits_are_propagated_from_a_base() {
    let project = Project::new();
    project.edit("steps/step01-one/src/count.rs", "0..10", "1..=10");
    project.commit("a first edit");
    project.edit("steps/step01-one/src/count.rs", "log(sum)", "print(sum)");
    project.commit("a second edit");
    let nothing = project.xtask("propagate one");
    assert!(
        nothing.succeeds().stdout.contains("--base REV"),
        "{nothing:?}"
    );
    project.xtask("propagate one --base HEAD~2").succeeds();
    let text = project.read("steps/step03-three/src/count.rs");
    assert!(
        text.contains("1..=10") && text.contains("print(sum)"),
        "{text}"
    );
}

#[test]
fn a_step_that_was_never_committed_has_no_edits_to_tell() {
    let project = Project::new();
    project.git(&["rm", "--quiet", "-r", "--cached", "steps/step03-three"]);
    project.git(&[
        "-c",
        "core.editor=true",
        "commit",
        "--quiet",
        "--message",
        "without three",
    ]);
    project
        .xtask("propagate three")
        .fails_with(&["there is no step `three` in HEAD", "--base REV"]);
}

#[test]
fn unknown_slugs_and_revisions_are_named() {
    let project = Project::new();
    project
        .xtask("propagate four")
        .fails_with(&["there is no step `four`", "one, two, three"]);
    project
        .xtask("propagate one --base nowhere")
        .fails_with(&["nowhere"]);
    project.write("steps/step01-one/src/odd.rs", "// ⟦\n");
    project
        .xtask("propagate one")
        .fails_with(&["step01-one/src/odd.rs", "⟦"]);
}

/// An edit in `one` that conflicts with `two`, and a new file that doesn't.
fn conflicting_in_two() -> Project {
    let project = Project::new();
    for step in ["step02-two", "step03-three"] {
        project.edit(&format!("steps/{step}/src/count.rs"), "0..10", "0..20");
    }
    project.commit("two counts to twenty");
    project.edit("steps/step01-one/src/count.rs", "0..10", "1..=10");
    project.write("steps/step01-one/src/new.rs", "// new\n");
    project
}
