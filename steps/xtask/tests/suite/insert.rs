//! A step can be inserted before another.

use crate::common::Project;
use xtask::Steps;

#[test]
fn the_following_steps_are_renumbered() {
    let project = Project::new();
    project.write(
        "steps/step03-three/src/snapshots/step03_three__a.snap",
        "source: steps/step03-three/src/a.rs\n",
    );
    project.write(
        "book/transcripts/a.console",
        "$ cargo run -q -p step01-one\n$ cargo run -q -p step03-three\nstep03_three::Error\n",
    );
    project.write("book/src/three.md", "cargo test -p step03-three\n");
    project.xtask("diffs").succeeds();
    project.commit("a unit test's snapshot, a session, and a chapter");
    let two = project.read("steps/step02-two/src/count.rs");
    let patches =
        ["one", "two", "three"].map(|slug| project.read(&format!("book/diffs/{slug}.diff")));
    project.xtask("insert half-way --before two").succeeds();

    let steps = Steps::load(project.root()).unwrap();
    let packages: Vec<&str> = steps.iter().map(|step| step.package.as_str()).collect();
    assert_eq!(
        packages,
        [
            "step01-one",
            "step02-half-way",
            "step03-two",
            "step04-three"
        ]
    );
    assert!(!project.path("steps/step02-two").exists());
    assert_eq!(project.read("steps/step03-two/src/count.rs"), two);
    assert_eq!(
        project.read("steps/step03-two/tests/count.rs"),
        "use step03_two::count;\n"
    );
    assert_eq!(
        project.read("steps/step04-three/src/snapshots/step04_three__a.snap"),
        "source: steps/step04-three/src/a.rs\n"
    );
    assert_eq!(
        project.read("book/transcripts/a.console"),
        "$ cargo run -q -p step01-one\n$ cargo run -q -p step04-three\nstep04_three::Error\n"
    );
    assert_eq!(
        project.read("book/src/three.md"),
        "cargo test -p step04-three\n"
    );
    let tracked = project.path("steps/step04-three/src/snapshots/step03_three__a.snap");
    assert!(!tracked.exists());

    assert_eq!(
        project.read("steps/step02-half-way/tests/count.rs"),
        "use step02_half_way::count;\n"
    );
    assert_eq!(project.read("book/diffs/half-way.diff"), "");
    let after =
        ["one", "two", "three"].map(|slug| project.read(&format!("book/diffs/{slug}.diff")));
    assert_eq!(after, patches, "what the other steps add is the same");
    project.xtask("diffs --check").succeeds();
    project
        .xtask("list")
        .fails_with(&["`half-way` has no title or description yet"]);
}

#[test]
fn a_library_with_a_name_of_its_own_keeps_it() {
    let project = Project::new();
    for (step, library) in [
        ("step02-two", "step02_two"),
        ("step03-three", "step03_three"),
    ] {
        project.edit(
            &format!("steps/{step}/Cargo.toml"),
            "[dependencies]",
            "[lib]\nname = \"counter\"\n\n[dependencies]",
        );
        project.edit(&format!("steps/{step}/tests/count.rs"), library, "counter");
        project.edit(&format!("steps/{step}/src/lib.rs"), library, "counter");
    }
    project.xtask("diffs").succeeds();
    project.commit("a name for the library");
    let patch = project.read("book/diffs/three.diff");
    project.xtask("insert new --before three").succeeds();
    for step in ["step03-new", "step04-three"] {
        assert_eq!(
            project.read(&format!("steps/{step}/tests/count.rs")),
            "use counter::count;\n"
        );
        let manifest = project.read(&format!("steps/{step}/Cargo.toml"));
        assert!(
            manifest.contains(&format!("name = \"{step}\"")),
            "{manifest}"
        );
        assert!(manifest.contains("[lib]\nname = \"counter\""), "{manifest}");
    }
    assert_eq!(project.read("book/diffs/new.diff"), "");
    assert_eq!(project.read("book/diffs/three.diff"), patch);

    // An edit gets from a library that is called after its package to one that isn't.
    project.commit("a step between");
    project.write(
        "steps/step01-one/tests/count.rs",
        "use step01_one::{Error, count};\n",
    );
    project.xtask("propagate one").succeeds();
    assert_eq!(
        project.read("steps/step04-three/tests/count.rs"),
        "use counter::{Error, count};\n"
    );
}

#[test]
fn a_refused_insertion_changes_nothing() {
    let project = Project::new();
    let before = project.files();
    for (arguments, parts) in [
        (
            "insert new --before four",
            ["there is no step `four`", "one, two, three"],
        ),
        (
            "insert new --before one",
            ["`one` is the first step", "copy of the one before"],
        ),
        (
            "insert two --before three",
            ["there is a step `two` already", "another slug"],
        ),
        (
            "insert New_One --before two",
            ["`New_One` can't be a slug", "lower-case"],
        ),
        (
            "insert a--b --before two",
            ["`a--b` can't be a slug", "hyphens"],
        ),
    ] {
        project.xtask(arguments).fails_with(&parts);
    }
    assert_eq!(project.files(), before);

    project.edit("steps/step01-one/src/count.rs", "0..10", "1..=10");
    let before = project.files();
    project
        .xtask("insert new --before two")
        .fails_with(&["steps/step01-one/src/count.rs", "commit them"]);
    assert_eq!(project.files(), before);
}
