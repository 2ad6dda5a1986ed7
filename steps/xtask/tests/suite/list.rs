//! What the list of the steps says, and what it refuses.

use crate::common::Project;

#[test]
fn the_steps_are_listed_with_their_sizes() {
    let project = Project::new();
    let run = project.xtask("list");
    let rows: Vec<Vec<&str>> = run
        .succeeds()
        .stdout
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        rows[1],
        [
            "01", "one", "2", "13", "0", "2", "first", "step", "Étape", "one"
        ]
    );
    assert_eq!(
        rows[2],
        ["02", "two", "2", "2", "0", "2", "kept", "Étape", "two"]
    );
}

#[test]
fn a_large_step_needs_an_excuse() {
    let project = Project::new();
    let at_the_limit = "x();\n".repeat(198);
    project.write("steps/step02-two/src/more.rs", &at_the_limit);
    project.write("steps/step03-three/src/more.rs", &at_the_limit);
    assert!(
        project
            .xtask("list")
            .succeeds()
            .stdout
            .contains("above aim")
    );

    project.write("steps/step02-two/src/more.rs", &(at_the_limit + "y();\n"));
    project.xtask("list").fails_with(&[
        "`two` is over budget: 201 changed lines",
        "excuse",
        "step02-two/Cargo.toml",
    ]);
    project.edit(
        "steps/step02-two/Cargo.toml",
        "part = 2",
        "part = 2\nexcuse = \"Long\"",
    );
    assert!(project.xtask("list").succeeds().stdout.contains("excused"));
}

#[test]
fn deletions_have_a_budget_of_their_own() {
    let project = Project::new();
    let lines = "line();\n".repeat(31);
    project.write("steps/step01-one/src/more.rs", &lines);
    project
        .xtask("list")
        .fails_with(&["31 of them deletions (at most 30)"]);
}

#[test]
fn broken_sequences_and_manifests_are_refused() {
    let project = Project::new();
    let two = project.path("steps/step02-two");
    let rename = |to: &str| std::fs::rename(&two, project.path(to)).unwrap();

    rename("steps/moved");
    project
        .xtask("list")
        .fails_with(&["step 02 is missing", "step03-three"]);
    std::fs::rename(project.path("steps/moved"), &two).unwrap();

    project.edit("steps/step02-two/Cargo.toml", "step02-two", "step02-deux");
    project
        .xtask("list")
        .fails_with(&["step02-two/Cargo.toml", "`step02-deux`", "`step02-two`"]);
    project.edit("steps/step02-two/Cargo.toml", "step02-deux", "step02-two");

    project.edit("steps/step02-two/Cargo.toml", "part = 2\n", "");
    project
        .xtask("list")
        .fails_with(&["step02-two/Cargo.toml", "part"]);
    project.edit(
        "steps/step02-two/Cargo.toml",
        "title =",
        "part = 2\ntitle =",
    );

    for (folder, message) in [
        ("step03-other", "two steps have the number 03"),
        ("step04-two", "the same slug"),
    ] {
        let twin = format!("steps/{folder}/Cargo.toml");
        project.write(
            &twin,
            &project
                .read("steps/step02-two/Cargo.toml")
                .replace("step02-two", folder),
        );
        project.xtask("list").fails_with(&[message]);
        std::fs::remove_dir_all(project.path(&format!("steps/{folder}"))).unwrap();
    }
}

#[test]
fn binary_files_are_refused_and_what_a_run_leaves_is_ignored() {
    let project = Project::new();
    for left in ["task_engine.db", "task_engine.db-wal", "target/debug/x"] {
        std::fs::create_dir_all(project.path("steps/step01-one/target/debug")).unwrap();
        std::fs::write(project.path("steps/step01-one").join(left), [0xff, 0x00]).unwrap();
    }
    project.xtask("list").succeeds();
    std::fs::write(project.path("steps/step01-one/src/logo.png"), [0xff, 0x00]).unwrap();
    project
        .xtask("list")
        .fails_with(&["steps/step01-one/src/logo.png", "not UTF-8"]);
}
