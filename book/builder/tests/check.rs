//! What `book check` finds, in French and in links.

use book::{build, files, french, proofread, shown};
use mdbook_driver::MDBook;

use crate::fixture::{Fixture, assert_says};

#[test]
fn a_clean_book_has_nothing_to_mend() {
    let fixture = Fixture::new();
    fixture.add("Voir [le premier](one.md#un), [le second](#deux) et <https://example.org/a>.");
    assert_says(
        &fixture.complaint(),
        &["book/shown.json: is stale", "1 to mend"],
    );
    let shown = build::build(fixture.root(), &build::site(fixture.root())).unwrap();
    shown::write(fixture.root(), &shown).unwrap();
    assert_eq!(
        fixture.read("book/shown.json"),
        "{\n  \"one\": 0,\n  \"two\": 40\n}\n"
    );
    book::check::check(fixture.root(), false).unwrap();
}

#[test]
fn dead_links_and_anchors_are_found_with_their_line() {
    let fixture = Fixture::new();
    fixture.add(
        "Un [lien](absent.md).\n\nUne [ancre](one.md#absente).\n\nUn [site](http://nulle part).",
    );
    assert_says(
        &fixture.complaint(),
        &[
            "book/src/two.md:9: dead link: `absent.html` leads nowhere",
            "book/src/two.md:11: dead anchor: one.html has no `#absente`",
        ],
    );
}

#[test]
fn an_address_that_is_none_is_found() {
    let fixture = Fixture::new();
    fixture.add("Un [site](http:/example.org).");
    assert_says(
        &fixture.complaint(),
        &["book/src/two.md:9: ", "isn't an address"],
    );
}

#[test]
fn a_step_without_a_chapter_is_found() {
    let fixture = Fixture::new();
    fixture.write("book/src/one.md", "# Un\n");
    assert_says(&fixture.complaint(), &["no chapter has {{#card one}}"]);
}

#[test]
fn words_that_the_style_leaves_out_are_found() {
    let fixture = Fixture::new();
    fixture.add(
        "Il suffit de lire,\nsimplement : \"oui\", bien sûr !\n\n`vec![\"code\"]` est du code.",
    );
    let complaint = fixture.complaint();
    assert_says(
        &complaint,
        &[
            "two.md:9: «il suffit de» is left out",
            "two.md:10: «simplement» is left out",
            "two.md:10: «bien sûr» is left out",
            "two.md:10: no exclamation mark in prose",
            "two.md:10: straight double quotes",
        ],
    );
    assert!(!complaint.contains("two.md:12"), "{complaint}");
}

#[test]
fn a_sentence_of_the_checks_is_prose_too() {
    let fixture = Fixture::new();
    fixture.write(
        "book/checks.toml",
        "runs = \"Une tâche !\"\nstops = \"Un arrêt.\"\n",
    );
    assert_says(
        &fixture.complaint(),
        &["book/checks.toml:1: no exclamation mark"],
    );
}

#[test]
fn mdbook_speaks_french() {
    let page = Fixture::new().build().unwrap();
    assert_says(
        &page,
        &[
            "Chercher dans le livre…",
            "Chapitre précédent",
            ">Sombre</button>",
        ],
    );
    for english in [
        "Search this book",
        "Previous chapter",
        "Change theme",
        "mdbook-theme-ayu",
    ] {
        assert!(!page.contains(english), "{english}");
    }
}

#[test]
fn a_text_that_mdbook_no_longer_has_is_refused() {
    let fixture = Fixture::new();
    let config = "[build]\nuse-default-preprocessors = false"
        .parse()
        .unwrap();
    let book = MDBook::load_with_config(fixture.root().join("book"), config).unwrap();
    book.build().unwrap();
    let text = "placeholder=\"Search this book ...\"";
    let site = build::site(fixture.root());
    for page in files::files(&site).unwrap() {
        if page.extension().is_some_and(|end| end == "html") {
            let html = files::read(&page).unwrap();
            files::write(&page, &html.replace(text, "")).unwrap();
        }
    }
    let error = french::translate(&site, &fixture.root().join("book/src")).unwrap_err();
    assert_says(
        &error.to_string(),
        &[
            "book/builder/french/pairs.rs: ",
            "no longer holds `placeholder=\"Search this book ...\"`",
            "1 to mend",
        ],
    );
}

/// Needs grammalecte-cli, which continuous integration installs; elsewhere its
/// absence must be said.
#[test]
fn grammar_is_proofread_with_lines() {
    let fixture = Fixture::new();
    fixture.add("Le moteur\nattend une tâches et `Store` le rusqlite.");
    match proofread::grammar(fixture.root()) {
        Ok(problems) => {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            assert_says(
                &lines.join("\n"),
                &[
                    "two.md:10: «tâches»: ",
                    "two.md:10: unknown word «rusqlite»",
                ],
            );
            fixture.write("book/words.txt", "rusqlite # a library\n");
            let problems = proofread::grammar(fixture.root()).unwrap();
            assert!(
                !problems
                    .iter()
                    .any(|problem| problem.message.contains("rusqlite"))
            );
        }
        Err(error) => assert_says(&error.to_string(), &["apt-get install grammalecte-cli"]),
    }
}
