//! What the directives show, and what they refuse.

use book::build;

use crate::fixture::{Fixture, assert_says};

/// The line of the chapter where `Fixture::add` begins.
const ADDED: &str = "book/src/two.md:9: ";

#[test]
fn a_method_is_shown_without_its_indentation() {
    let fixture = Fixture::new();
    fixture.add("{{#item two src/worker.rs Worker::run}}");
    let page = fixture.page();
    assert_says(
        &page,
        &[
            "dans <em>impl Worker</em>",
            "href=\"steps/step02-two/src/worker.rs.html\"",
            "<code class=\"language-rust\"><span>/// Runs.\npub fn run(&amp;self) -&gt; u32 {\n    2\n}</span></code>",
        ],
    );
}

#[test]
fn a_listing_says_where_it_goes() {
    let fixture = Fixture::new();
    let worker = "steps/step02-two/src/worker.rs";
    let more = "\nfn twice() {}\n\nimpl Late for Worker {\n    fn stop(&self) {}\n}\n";
    fixture.write(worker, &(fixture.read(worker) + more));
    let of = |item| format!("{{{{#item two src/worker.rs {item}}}}}");
    let items = ["Worker", "Worker::run", "twice", "Worker::stop"].map(of);
    let table = "{{#file two migrations/01_create_tasks.sql}}";
    let rest = "{{#rest two src/}}";
    let page = format!(
        "{{{{#card two}}}}\n\n{}\n\n{table}\n\n{rest}\n",
        items.join("\n\n")
    );
    fixture.write("book/src/two.md", &page);
    assert_says(
        &fixture.page(),
        &[
            "<span class=\"where\">inchangé</span>",
            "dans <em>impl Worker</em> · nouvelle version<",
            "<span class=\"where\">après <em>impl Worker</em></span>",
            "dans un nouvel <em>impl Late for Worker</em> · après <em>twice</em><",
            "<span class=\"where\">nouveau fichier</span>",
        ],
    );
}

#[test]
fn a_statement_and_a_table_are_items_too() {
    let fixture = Fixture::new();
    let items =
        "{{#item two migrations/01_create_tasks.sql tasks}}\n\n{{#item two Cargo.toml package}}";
    fixture.write("book/src/two.md", items);
    let page = fixture.page();
    assert_says(
        &page,
        &[
            "<code class=\"language-sql\"><span>CREATE TABLE tasks (",
            "name = \"step02-two\"",
        ],
    );
}

#[test]
fn a_diff_shows_what_goes_and_what_comes() {
    let page = Fixture::new().page();
    assert_says(
        &page,
        &[
            "<del class=\"del\">        1\n</del><ins class=\"add\">        2\n</ins>",
            "Diff\u{a0}: </span><a class=\"source\"",
            "<span class=\"where\">dans <em>Worker::run</em> · <span class=\"add\">+1</span> <span class=\"del\">−1</span></span>",
            "<summary>Le reste du diff</summary><details id=\"two-migrations-01_create_tasks.sql\">",
            "<ins class=\"add\">CREATE TABLE tasks (\n</ins>",
        ],
    );
}

#[test]
fn a_new_file_is_shown_as_a_listing() {
    let fixture = Fixture::new();
    let chapter = "{{#card two}}\n\n{{#diff two migrations/01_create_tasks.sql}}\n\n{{#rest two src/worker.rs}}\n";
    fixture.write("book/src/two.md", chapter);
    assert_says(
        &fixture.page(),
        &[
            "nouveau fichier",
            "<code class=\"language-sql\"><span>CREATE TABLE",
        ],
    );
}

#[test]
fn the_card_tells_the_size_and_the_commands() {
    let fixture = Fixture::new();
    for name in ["a", "b"] {
        let snapshot = format!("steps/step02-two/tests/suite/snapshots/{name}.snap");
        fixture.write(&snapshot, "---\n---\n1\n");
    }
    fixture.add("{{#rest two tests/}}");
    assert_says(
        &fixture.page(),
        &[
            "Étape 2",
            "<dt>Instantanés</dt>\n<dd>2 fichiers <span class=\"add\">+6</span></dd>",
            "<span class=\"add\">+4</span> <span class=\"del\">−1</span> dans <code>src/</code> et <code>migrations/</code>",
            "<dt>Migration</dt>",
            "cargo xtask diff two",
            "git diff --no-index steps/step01-one steps/step02-two",
        ],
    );
}

#[test]
fn the_map_leads_to_chapters_and_parts() {
    let fixture = Fixture::new();
    fixture.add("{{#steps}}\n\n{{#part 4}}");
    assert_says(
        &fixture.page(),
        &[
            "<a href=\"two.html\">Une étape</a>",
            "#MDT-03",
            "#MDT-04",
            "l’arrêt",
        ],
    );
}

#[test]
fn the_table_of_checks_is_a_triangle() {
    let fixture = Fixture::new();
    fixture.add("{{#acceptance}}\n\n{{#acceptance two}}");
    assert_says(
        &fixture.page(),
        &[
            "Un arrêt.</th><td class=\"since\">dès\u{a0}2</td><td class=\"fail\" title=\"rouge avant\">✗</td><td>✓</td>",
            "<ul class=\"checks\">\n<li>Un arrêt.</li>\n</ul>",
        ],
    );
}

#[test]
fn a_snapshot_loses_its_header() {
    let fixture = Fixture::new();
    fixture.write(
        "steps/step02-two/tests/snapshots/a__b.snap",
        "---\nsource: a.rs\n---\nfirst line\n",
    );
    fixture.add("{{#snapshot two tests/snapshots/a__b.snap}}");
    let page = fixture.page();
    assert_says(
        &page,
        &["<code class=\"language-plaintext\">first line</code>"],
    );
    assert!(!page.contains("source: a.rs"));
}

#[test]
fn a_drawing_follows_the_theme() {
    let fixture = Fixture::new();
    fixture.write(
        "book/diagrams/loop.pikchr",
        "box \"état\" fill lightblue\narrow\n",
    );
    fixture.add("{{#diagram loop La boucle}}");
    let page = fixture.page();
    assert_says(
        &page,
        &[
            "role=\"img\" aria-label=\"La boucle\"",
            "currentColor",
            "var(--diagram-blue)",
        ],
    );
    assert!(!page.contains("rgb(0,0,0)"));
}

#[test]
fn a_session_tells_commands_from_output() {
    let fixture = Fixture::new();
    fixture.write("book/transcripts/first.console", "$ ls\ntask_engine.db\n");
    fixture.add("{{#transcript first}}");
    assert_says(&fixture.page(), &["<i>$ </i><b>ls</b>\ntask_engine.db"]);
}

#[test]
fn what_does_not_exist_is_refused_with_its_line() {
    let cases = [
        ("{{#item three src/worker.rs Worker}}", "three"),
        (
            "{{#item two src/engine.rs Worker}}",
            "has no file src/engine.rs",
        ),
        (
            "{{#item two src/worker.rs Worker::stop}}",
            "has no item `Worker::stop`",
        ),
        (
            "{{#item two src/worker.rs}}",
            "{{#item}} is written {{#item SLUG FILE ITEM}}",
        ),
        ("{{#file two src/absent.rs}}", "has no file src/absent.rs"),
        ("{{#diff two Cargo.toml}}", "doesn't change Cargo.toml"),
        ("{{#file two src/empty.rs}}", "src/empty.rs is empty"),
        ("{{#diff two src/empty.rs}}", "src/empty.rs is empty"),
        (
            "{{#diff two src/worker.rs Worker}}",
            "`Worker` of src/worker.rs doesn't change",
        ),
        ("{{#diff two src/worker.rs Engine}}", "has no item `Engine`"),
        (
            "{{#snapshot two src/worker.rs}}",
            "doesn't begin like an insta snapshot",
        ),
        (
            "{{#transcript absent}}",
            "can't read book/transcripts/absent.console",
        ),
        (
            "{{#diagram absent Titre}}",
            "can't read book/diagrams/absent.pikchr",
        ),
        ("{{#part 13}}", "no part 13"),
        ("{{#acceptance three}}", "three"),
        ("{{#include other.md}}", "no directive of this book"),
        ("{{#steps}}\nsuite", "must stand between blank lines"),
    ];
    for (directive, message) in cases {
        let fixture = Fixture::new();
        fixture.write("steps/step02-two/src/empty.rs", "");
        fixture.add(directive);
        assert_says(&fixture.refusal(), &[ADDED, message]);
    }
}

#[test]
fn all_the_problems_are_told_at_once() {
    let fixture = Fixture::new();
    fixture.add("{{#part 13}}\n\n{{#part 14}}");
    assert_says(
        &fixture.refusal(),
        &["two.md:9: ", "two.md:11: ", "2 to mend"],
    );
}

#[test]
fn a_change_that_the_chapter_hides_is_refused() {
    let fixture = Fixture::new();
    fixture.write(
        "book/src/two.md",
        "{{#card two}}\n\n{{#rest two migrations/}}\n",
    );
    assert_says(
        &fixture.refusal(),
        &[
            "book/src/two.md:1: ",
            "added lines 11; deleted lines 11 of steps/step02-two/src/worker.rs",
        ],
    );
}

#[test]
fn an_item_covers_what_comes_but_not_what_goes() {
    let fixture = Fixture::new();
    fixture.write(
        "book/src/two.md",
        "{{#card two}}\n\n{{#item two src/worker.rs Worker::run}}\n\n{{#rest two migrations/}}\n",
    );
    let refusal = fixture.refusal();
    assert_says(
        &refusal,
        &["deleted lines 11 of steps/step02-two/src/worker.rs"],
    );
    assert!(!refusal.contains("added lines"), "{refusal}");
}

#[test]
fn the_rest_leaves_out_what_the_chapter_has_shown() {
    let fixture = Fixture::new();
    let consts: Vec<String> = (10..30)
        .map(|n| format!("const A{n}: u32 = {n};\n"))
        .collect();
    fixture.append("steps/step02-two/src/worker.rs", &consts.concat());
    let items: Vec<String> = (10..29)
        .map(|n| format!("{{{{#item two src/worker.rs A{n}}}}}\n\n"))
        .collect();
    let items = items.concat();
    let chapter = format!("{{{{#card two}}}}\n\n{items}{{{{#rest two src/ migrations/}}}}\n");
    fixture.write("book/src/two.md", &chapter);
    let page = fixture.page();
    let rest = page.split("Le reste du diff").nth(1).unwrap();
    assert_says(rest, &["const A29", "const A26", "⋯"]);
    assert!(!rest.contains("const A20"), "{rest}");
}

#[test]
fn a_rest_with_nothing_left_is_refused() {
    let fixture = Fixture::new();
    fixture.write(
        "book/src/two.md",
        "{{#card two}}\n\n{{#diff two src/worker.rs}}\n\n{{#rest two migrations/ src/}}\n",
    );
    assert_says(
        &fixture.refusal(),
        &["book/src/two.md:5: ", "nothing is left to show of src/"],
    );
}

#[test]
fn the_sources_are_published_with_the_book_unless_it_says_where_they_are() {
    let fixture = Fixture::new();
    fixture.page();
    let copy = fixture.read("book/book/steps/step02-two/src/worker.rs.html");
    assert_says(
        &copy,
        &[
            "<h1>steps/step02-two/src/worker.rs</h1>",
            "pub fn run(&amp;self) -&gt; u32 &#123;\n",
        ],
    );
    let table = "sources-url = \"https://example.org/main/\"\n";
    fixture.append("book/book.toml", table);
    let link = "href=\"https://example.org/main/steps/step02-two/src/worker.rs\"";
    assert_says(&fixture.page(), &[link]);
}

#[test]
fn a_chapter_shows_its_step_outside_of_the_rest() {
    let fixture = Fixture::new();
    let shown = |chapter: &str| {
        fixture.write("book/src/two.md", chapter);
        let site = build::site(fixture.root());
        build::build(fixture.root(), &site).unwrap()["two"]
    };
    // One line deleted, one added, and a migration of three lines: neither tests nor what is folded
    // counts.
    fixture.write("steps/step02-two/tests/two.rs", "// A test.\n");
    let rest = "{{#rest two src/ migrations/ tests/}}";
    assert_eq!(shown(&format!("{{{{#card two}}}}\n\n{rest}\n")), 0);
    let item = "{{#item two src/worker.rs Worker::run}}";
    assert_eq!(
        shown(&format!("{{{{#card two}}}}\n\n{item}\n\n{rest}\n")),
        20
    );
    let diff = "{{#diff two src/worker.rs}}";
    let rest = "{{#rest two migrations/ tests/}}";
    let chapter = format!("{{{{#card two}}}}\n\n{diff}\n\n{rest}\n");
    assert_eq!(shown(&chapter), 40);
    let chapter = format!(
        "{{{{#card two}}}}\n\n<details>\n\n{diff}\n\n</details>\n\n{{{{#file two migrations/01_create_tasks.sql}}}}\n\n{{{{#rest two tests/}}}}\n"
    );
    assert_eq!(shown(&chapter), 60, "an answer is folded too");
    fixture.write(
        "book/src/two.md",
        &format!("{{{{#card two}}}}\n\n{diff}\n\n{rest}\n"),
    );

    let book = fixture.read("book/book.toml");
    let settings = |least: &str| book.replace("least-shown = 0", least);
    fixture.write(
        "book/src/one.md",
        "# Un\n\n{{#card one}}\n\n{{#diff one src/worker.rs}}\n\n{{#rest one Cargo.toml}}\n",
    );
    fixture.write("book/book.toml", &settings("least-shown = 40"));
    fixture.build().unwrap();
    fixture.write("book/book.toml", &settings(""));
    assert_says(
        &fixture.refusal(),
        &[
            "book/src/two.md:1: this chapter shows 40 % of what two changes",
            "show 75 % or more",
        ],
    );
    fixture.write("book/book.toml", &settings("least-show = 40"));
    assert_says(
        &fixture.refusal(),
        &["book.toml", "unknown field `least-show`"],
    );
}

#[test]
fn a_step_has_one_chapter() {
    let fixture = Fixture::new();
    fixture.write(
        "book/src/one.md",
        "{{#card two}}\n\n{{#rest two src/ migrations/}}\n",
    );
    assert_says(
        &fixture.refusal(),
        &["book/src/two.md:3: ", "one.md already has the card of two"],
    );
}

#[test]
fn checks_and_sentences_go_in_pairs() {
    let fixture = Fixture::new();
    fixture.add("{{#acceptance}}");
    fixture.write("book/checks.toml", "runs = \"Une tâche.\"\n");
    assert_says(
        &fixture.refusal(),
        &[ADDED, "misses the sentence of [\"stops\"]"],
    );

    let sentences = "runs = \"Une tâche.\"\nstops = \"Un arrêt.\"\nold = \"Autre.\"\n";
    fixture.write("book/checks.toml", sentences);
    assert_says(
        &fixture.refusal(),
        &[ADDED, "sentences for no check: [\"old\"]"],
    );
}
