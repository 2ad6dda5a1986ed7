//! The directives of the companion pages: the tables and the states.

use crate::fixture::{Fixture, assert_says};

/// The line of the chapter where `Fixture::add` begins.
const ADDED: &str = "book/src/two.md:9: ";

const TASKS: &str = "steps/step01-one/migrations/01_create_tasks.sql";
const SAME_TASKS: &str = "steps/step02-two/migrations/01_create_tasks.sql";
const MORE: &str = "steps/step02-two/migrations/02_more.sql";

/// The first step has a table of tasks with an index, and the second one changes them.
fn with_migrations(more: &str) -> Fixture {
    let tasks = "CREATE TABLE tasks (\n    id INTEGER PRIMARY KEY AUTOINCREMENT,\n    \
                 status TEXT NOT NULL UNIQUE,\n    note TEXT\n) STRICT;\n\
                 CREATE INDEX of_status ON tasks (status);\n";
    let fixture = Fixture::new();
    fixture.write(TASKS, tasks);
    fixture.write(SAME_TASKS, tasks);
    fixture.write(MORE, more);
    fixture.write(
        "book/src/one.md",
        "# Un\n\n{{#card one}}\n\n{{#rest one src/ migrations/ Cargo.toml}}\n",
    );
    fixture.add("{{#tables}}");
    fixture
}

fn with_transitions(of_two: &str) -> Fixture {
    let fixture = Fixture::new();
    fixture.write(
        "tests/transitions.json",
        &format!("{{\"two\": [{of_two}]}}"),
    );
    fixture.add("{{#states two}}");
    fixture
}

#[test]
fn a_column_has_its_type_its_constraint_and_its_step() {
    let page =
        with_migrations("ALTER TABLE tasks ADD COLUMN due INTEGER NOT NULL DEFAULT 0;").page();
    assert_says(
        &page,
        &[
            "La table <code>tasks</code>",
            "<th scope=\"row\"><code>id</code></th><td><code>INTEGER</code></td>\
             <td><code>PRIMARY KEY</code></td><td class=\"number\"><a href=\"one.html\">1</a></td>",
            "<th scope=\"row\"><code>note</code></th><td><code>TEXT</code></td>\
             <td></td><td class=\"number\"><a href=\"one.html\">1</a></td>",
            "<th scope=\"row\"><code>due</code></th><td><code>INTEGER</code></td>\
             <td><code>NOT NULL</code></td><td class=\"number\"><a href=\"two.html\">2</a></td>",
        ],
    );
}

#[test]
fn what_the_database_makes_for_itself_is_left_out() {
    let page = with_migrations("CREATE TABLE other (name TEXT PRIMARY KEY) STRICT;").page();
    assert_says(&page, &["La table <code>other</code>"]);
    assert!(!page.contains("sqlite_"), "{page}");
    assert_eq!(page.matches("<code>INDEX ").count(), 1, "{page}");
}

#[test]
fn a_column_that_disappears_has_the_step_that_removes_it() {
    let page = with_migrations("ALTER TABLE tasks DROP COLUMN note;").page();
    assert_says(
        &page,
        &[
            "<tr class=\"removed\"><th scope=\"row\"><code>note</code><span class=\"note\">\
           suppression à l’étape\u{a0}<a href=\"two.html\">2</a></span></th>",
        ],
    );
}

#[test]
fn a_column_that_is_made_anew_otherwise_has_changed() {
    let page = with_migrations(
        "ALTER TABLE tasks DROP COLUMN note;\nALTER TABLE tasks ADD COLUMN note BLOB;",
    )
    .page();
    assert_says(
        &page,
        &[
            "<tr><th scope=\"row\"><code>note</code><span class=\"note\">changement à l’étape\u{a0}\
           <a href=\"two.html\">2</a></span></th><td><code>BLOB</code></td>",
        ],
    );
}

#[test]
fn an_index_that_changes_is_another_one() {
    let page = with_migrations(
        "DROP INDEX of_status;\nCREATE INDEX of_status ON tasks (status)\n    WHERE status < 'x';",
    )
    .page();
    assert_says(
        &page,
        &[
            "<tr class=\"removed\"><th scope=\"row\"><code>INDEX of_status ON tasks (status)</code>",
            "<tr><th scope=\"row\"><code>INDEX of_status ON tasks (status) WHERE status &lt; 'x'</code>\
             </th><td class=\"number\"><a href=\"two.html\">2</a></td>",
        ],
    );
}

#[test]
fn migrations_that_cannot_be_applied_are_refused() {
    let fixture = with_migrations("CREATE TABLE tasks (id INTEGER);");
    assert_says(
        &fixture.refusal(),
        &[
            ADDED,
            "migrations/02_more.sql of step02-two can't be applied: table tasks already exists",
        ],
    );
}

#[test]
fn steps_without_a_table_are_refused() {
    let fixture = Fixture::new();
    fixture.write(SAME_TASKS, "-- Nothing.\n");
    fixture.add("{{#tables}}");
    assert_says(&fixture.refusal(), &[ADDED, "no step has migrations"]);
}

#[test]
fn the_states_are_those_that_were_seen() {
    let page = with_transitions(r#"[null, "waiting"], ["running", null]"#).page();
    assert_says(
        &page,
        &[
            "aria-label=\"Les états d’une tâche à l’étape 2\u{a0}: \
             de début à waiting (créée), de running à fin (terminée, supprimée)\"",
            ">créée</text>",
            ">terminée,\u{a0}supprimée</text>",
            "var(--diagram-blue)",
            "<a href=\"two.html\">Une étape</a>",
        ],
    );
    assert!(
        !page.contains("acquise") && !page.contains("failed"),
        "{page}"
    );
}

#[test]
fn every_transition_that_is_known_can_be_drawn() {
    let page = with_transitions(
        r#"[null, "waiting"], ["waiting", "running"], ["running", "waiting"],
           ["running", null], ["running", "stopped"], ["running", "failed"]"#,
    )
    .page();
    for text in ["acquise", "réessai", "abandonnée", "stopped", "failed"] {
        assert_says(&page, &[&format!(">{text}</text>")]);
    }
    assert_says(&page, &["var(--diagram-green)", "var(--diagram-red)"]);
}

#[test]
fn a_transition_that_cannot_be_drawn_is_refused() {
    let fixture = with_transitions(r#"["stopped", null]"#);
    assert_says(
        &fixture.refusal(),
        &[
            ADDED,
            "transition stopped -> null that can't be drawn: add it, with its label, to ARROWS",
        ],
    );
}

#[test]
fn states_that_nobody_has_seen_are_refused() {
    let fixture = with_transitions(r#"[null, "waiting"]"#);
    fixture.add("{{#states one}}");
    assert_says(
        &fixture.refusal(),
        &[ADDED, "tests/transitions.json has nothing of one"],
    );
    fixture.add("{{#states three}}");
    assert_says(&fixture.refusal(), &[ADDED, "three"]);
    fixture.add("{{#states}}");
    assert_says(&fixture.refusal(), &[ADDED, "is written {{#states SLUG}}"]);

    fixture.write("tests/transitions.json", r#"{"three": []}"#);
    fixture.add("{{#states two}}");
    assert_says(
        &fixture.refusal(),
        &[ADDED, "tests/transitions.json: ", "three"],
    );
}
