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
    project.write("book/shown.json", "{\"two\": 80}");
    let table = project.xtask("list").succeeds().stdout.clone();
    assert!(table.contains(" 80 %  kept "), "{table}");
}

#[test]
fn a_step_that_adds_too_much_is_two() {
    let project = Project::new();
    let budget = |of: &str| -> String {
        let table = project.xtask("list").stdout;
        let row = table.lines().find(|line| line.contains(of)).unwrap();
        row.to_owned()
    };
    // The step itself adds two lines.
    let migration = "SELECT 1;\n".repeat(248);
    for step in ["step02-two", "step03-three"] {
        project.write(&format!("steps/{step}/migrations/01_more.sql"), &migration);
    }
    assert!(budget("two").contains("above aim"), "{}", budget("two"));
    project.xtask("list").succeeds();

    project.write("steps/step02-two/src/one_more.rs", "x();\n");
    project.write("steps/step03-three/src/one_more.rs", "x();\n");
    assert!(budget("two").contains("over budget"), "{}", budget("two"));
    project.xtask("list").fails_with(&[
        "`two` is over budget: it adds 251 lines to src/ and migrations/ (at most 250)",
        "make two steps",
    ]);
}

#[test]
fn the_last_step_may_add_more_but_delete_no_more() {
    let project = Project::new();
    std::fs::rename(
        project.path("steps/step03-three"),
        project.path("steps/step03-full"),
    )
    .unwrap();
    project.edit(
        "steps/step03-full/Cargo.toml",
        "step03-three",
        "step03-full",
    );
    project.write("steps/step03-full/src/lib.rs", "//! step03_full\n");
    // The step itself adds a line.
    let lines = "x();\n".repeat(399);
    project.write("steps/step03-full/src/more.rs", &lines);
    project.xtask("list").succeeds();
    project.write("steps/step03-full/src/more.rs", &(lines + "y();\n"));
    project
        .xtask("list")
        .fails_with(&["`full` is over budget: it adds 401 lines", "(at most 400)"]);

    project.write("steps/step03-full/src/more.rs", "");
    project.write("steps/step02-two/src/gone.rs", &"x();\n".repeat(41));
    project
        .xtask("list")
        .fails_with(&["`full` is over budget", "deletes 41 there (at most 40)"]);
}

#[test]
fn only_the_library_the_program_and_their_schema_count() {
    let project = Project::new();
    for path in ["tests/more.rs", "examples/more.rs", "benches/more.rs"] {
        project.write(&format!("steps/step02-two/{path}"), &"x();\n".repeat(300));
    }
    let table = project.xtask("list").succeeds().stdout.clone();
    assert!(table.lines().nth(2).unwrap().contains("kept"), "{table}");
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

    project.edit("steps/step02-two/Cargo.toml", "title =", "titre =");
    project
        .xtask("list")
        .fails_with(&["step02-two/Cargo.toml", "title"]);
    project.edit("steps/step02-two/Cargo.toml", "titre =", "title =");

    let (one_line, several) = ("\"Adds two.\"", "\"\"\"\nAdds\ntwo.\"\"\"");
    project.edit("steps/step02-two/Cargo.toml", one_line, several);
    project
        .xtask("list")
        .fails_with(&["step02-two/Cargo.toml", "on one line"]);
    project.edit("steps/step02-two/Cargo.toml", several, one_line);

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
