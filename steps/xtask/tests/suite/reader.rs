//! What a reader who types a step is given.

use crate::common::Project;

#[test]
fn the_project_stands_alone() {
    let project = Project::new();
    project.write("Cargo.lock", "version = 4\n");
    let reader = tempfile::tempdir().unwrap();
    let directory = reader.path().join("mine");
    let run = project.xtask(&format!("start two {}", directory.display()));
    assert!(run.succeeds().stdout.contains("cargo xtask check two"));

    // What cargo makes of the manifest, in a folder that is in no workspace.
    let metadata = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
        .current_dir(&directory)
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{metadata:?}");
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let package = &metadata["packages"][0];
    assert_eq!(package["name"], "step02-two");
    assert_eq!(package["edition"], "2024");
    let dependency = |name: &str| {
        let all = package["dependencies"].as_array().unwrap();
        all.iter().find(|found| found["name"] == name).unwrap()
    };
    assert_eq!(dependency("thiserror")["req"], "^2");
    assert_eq!(dependency("serde")["kind"], "dev");
    assert_eq!(
        dependency("serde")["features"],
        serde_json::json!(["derive", "rc"])
    );
    let text = std::fs::read_to_string(directory.join("Cargo.toml")).unwrap();
    let manifest: toml::Table = text.parse().unwrap();
    assert_eq!(
        manifest["workspace"]["lints"]["rust"]["unsafe_code"].as_str(),
        Some("forbid")
    );
    assert_eq!(
        manifest["profile"]["dev"]["debug"].as_str(),
        Some("line-tables-only")
    );
    assert_eq!(
        std::fs::read_to_string(directory.join("Cargo.lock")).unwrap(),
        "version = 4\n"
    );
}

#[test]
fn it_holds_the_previous_code_and_this_step_s_tests() {
    let project = Project::new();
    project.write("steps/step01-one/examples/one.rs", "fn main() {}\n");
    project.write("steps/step02-two/examples/two.rs", "use step02_two::two;\n");
    project.write("steps/step02-two/tests/two.rs", "use step02_two::two;\n");
    project.write(
        "steps/step02-two/migrations/01_two.sql",
        "CREATE TABLE two;\n",
    );
    let reader = tempfile::tempdir().unwrap();
    project
        .xtask(&format!("start two {}", reader.path().display()))
        .succeeds();
    let read = |path: &str| std::fs::read_to_string(reader.path().join(path)).ok();

    let one = project.read("steps/step01-one/src/count.rs");
    assert_eq!(read("src/count.rs"), Some(one));
    assert_eq!(read("src/lib.rs").as_deref(), Some("//! step02_two\n"));
    assert_eq!(
        read("tests/two.rs").as_deref(),
        Some("use step02_two::two;\n")
    );
    assert_eq!(
        read("tests/count.rs").as_deref(),
        Some("use step02_two::count;\n")
    );
    assert!(read("tests/snapshots/count__ten.snap").is_some());
    assert!(read("examples/two.rs").is_some());
    for not_given in ["src/two.rs", "examples/one.rs", "migrations/01_two.sql"] {
        assert_eq!(read(not_given), None, "{not_given}");
    }
}

#[test]
fn the_first_step_starts_from_an_empty_program() {
    let project = Project::new();
    let reader = tempfile::tempdir().unwrap();
    project
        .xtask(&format!("start one {}", reader.path().display()))
        .succeeds();
    let main = std::fs::read_to_string(reader.path().join("src/main.rs")).unwrap();
    assert!(main.contains("fn main() {}"), "{main}");
    assert!(!reader.path().join("src/count.rs").exists());
    assert!(reader.path().join("tests/count.rs").exists());
}

#[test]
fn nothing_is_written_over_a_reader_s_work() {
    let project = Project::new();
    project.write("mine/notes.txt", "mine");
    let before = project.files();
    project
        .xtask("start two mine")
        .fails_with(&["mine isn't empty", "give a folder"]);
    project
        .xtask("start four elsewhere")
        .fails_with(&["there is no step `four`"]);
    assert_eq!(project.files(), before);
}

#[test]
fn checking_says_what_is_missing() {
    let project = Project::new();
    project.xtask("check two nowhere").fails_with(&[
        "nowhere",
        "no Cargo.toml",
        "cargo xtask start two",
    ]);
    project
        .xtask("check four nowhere")
        .fails_with(&["there is no step `four`"]);

    project.write(
        "mine/Cargo.toml",
        "[package]\nname = \"mine\"\nedition = \"2024\"\n[workspace]\n",
    );
    project.write("mine/src/lib.rs", "");
    project
        .xtask("check two mine")
        .fails_with(&["the project has no program", "src/main.rs"]);
    project.write("mine/src/main.rs", "not Rust");
    project
        .xtask("check two mine")
        .fails_with(&["src/main.rs", "could not compile"]);
}

#[test]
fn checking_runs_the_acceptance_checks_on_the_program_that_was_built() {
    let project = Project::new();
    // In the place of the acceptance checks: a program that shows what it is given, and fails.
    project.edit(
        "Cargo.toml",
        "members = [\"steps/*\"]",
        "members = [\"tests\"]",
    );
    project.write(
        "tests/Cargo.toml",
        "[package]\nname = \"tests\"\nedition = \"2024\"\n",
    );
    project.write(
        "tests/src/bin/acceptance.rs",
        "fn main() {\n    let arguments: Vec<String> = std::env::args().skip(1).collect();\n    println!(\"{}: {}\", arguments[0], std::path::Path::new(&arguments[1]).exists());\n    std::process::exit(7)\n}\n",
    );
    project.write(
        "mine/Cargo.toml",
        "[package]\nname = \"mine\"\nedition = \"2024\"\n[workspace]\n",
    );
    project.write("mine/src/main.rs", "fn main() {}\n");
    let run = project.xtask("check two mine");
    assert_eq!(run.code, Some(7), "{run:?}");
    assert_eq!(run.stdout, "two: true\n");
}
