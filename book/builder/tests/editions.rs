//! The book as an EPUB and as a PDF.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _};
use std::path::Path;
use std::process::Command;

use book::{epub, pdf};
use regex::Regex;
use zip::ZipArchive;

use crate::fixture::{Fixture, assert_says};

/// A fixture with a commit, which dates its editions.
fn committed() -> Fixture {
    let fixture = Fixture::new();
    let config = fixture.read("book/book.toml");
    let author = "title = \"Essai\"\nauthors = [\"Anne & Léon\"]";
    fixture.write(
        "book/book.toml",
        &config.replace("title = \"Essai\"", author),
    );
    git(fixture.root(), &["init", "--quiet"]);
    git(
        fixture.root(),
        &["commit", "--quiet", "--allow-empty", "--message", "One"],
    );
    fixture
}

fn git(folder: &Path, arguments: &[&str]) {
    let status = Command::new("git")
        .args(["-c", "user.name=A", "-c", "user.email=a@example.org", "-C"])
        .arg(folder)
        .args(arguments)
        .env("GIT_COMMITTER_DATE", "2026-01-02T03:04:05Z")
        .status();
    assert!(status.unwrap().success());
}

/// What a program of poppler says of a PDF.
fn poppler(command: &[&str], pdf: &Path, last: &[&str]) -> String {
    let mut program = Command::new(command[0]);
    let output = program.args(&command[1..]).arg(pdf).args(last).output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

/// The files of the EPUB of a fixture, by name.
fn files(epub: &Path) -> BTreeMap<String, String> {
    let mut archive = ZipArchive::new(File::open(epub).unwrap()).unwrap();
    let count = archive.len();
    let read = |index| {
        let mut file = archive.by_index(index).unwrap();
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        let name = file.name().unwrap().into_owned();
        (name, String::from_utf8_lossy(&content).into_owned())
    };
    (0..count).map(read).collect()
}

/// A chapter with all that an EPUB can't have as it is.
const CHAPTER: &str = "\
Voir [le premier](one.md#un), [la suite](#deux) et [un site](https://example.org/?a&b).

Une note[^note].

[^note]: La note.

<details>
<summary>Réponse</summary>

Oui<br>et non.

</details>

{{#diagram drawing Un *dessin*}}";

fn rich() -> Fixture {
    let fixture = committed();
    fixture.write("book/diagrams/drawing.pikchr", "box \"a\" fill lightblue");
    fixture.write(
        "book/src/SUMMARY.md",
        "[Un](one.md)\n\n# La partie\n\n- [Deux](two.md)\n",
    );
    fixture.add(CHAPTER);
    fixture
}

#[test]
fn an_epub_has_the_chapters_unfolded_coloured_and_linked() {
    let fixture = rich();
    let files = files(&epub::write(fixture.root()).unwrap());
    let page = &files["EPUB/two.xhtml"];
    assert_says(
        page,
        &[
            "<a href=\"one.xhtml#un\">le premier</a>",
            "<a href=\"two.xhtml#deux\">la suite</a>",
            "<a href=\"https://example.org/?a&amp;b\">un site</a>",
            "epub:type=\"noteref\"",
            "epub:type=\"footnote\"",
            "<section class=\"unfolded\">\n<p class=\"summary\">Réponse</p>",
            "Oui<br/>et non.",
            "<img src=\"two-1.svg\" alt=\"Un dessin\"/>",
            "<del class=\"line\">−         <span class=\"number\">1</span>\n</del>",
            "<ins class=\"line\">+         <span class=\"number\">2</span>\n</ins>",
        ],
    );
    for absent in [
        "<details",
        "<script",
        "<button",
        "../../steps",
        "class=\"header\"",
    ] {
        assert!(!page.contains(absent), "{absent} is in:\n{page}");
    }
    let drawing = &files["EPUB/two-1.svg"];
    assert_says(
        drawing,
        &[
            "xmlns=\"http://www.w3.org/2000/svg\"",
            "viewBox",
            "fill:#dcebf5",
        ],
    );
    assert!(
        !drawing.contains("var(--") && !drawing.contains("currentColor"),
        "{drawing}"
    );
}

#[test]
fn an_epub_says_what_it_is_and_what_is_in_it() {
    let fixture = rich();
    let files = files(&epub::write(fixture.root()).unwrap());
    assert_says(
        &files["EPUB/book.opf"],
        &[
            "<dc:title>Essai</dc:title>",
            "<dc:language>fr</dc:language>",
            "<dc:creator>Anne &amp; Léon</dc:creator>",
            "<dc:rights>Licence MIT</dc:rights>",
            "<dc:date>2026-01-02</dc:date>",
            "<meta property=\"dcterms:modified\">2026-01-02T03:04:05Z</meta>",
            "href=\"two-1.svg\" media-type=\"image/svg+xml\"",
            "href=\"cover.png\" media-type=\"image/png\" properties=\"cover-image\"",
        ],
    );
    assert_says(
        &files["EPUB/contents.xhtml"],
        &["<ol>\n<li><a href=\"one.xhtml\">Un</a></li>\n\
             <li><span>La partie</span><ol><li><a href=\"two.xhtml\">1. Deux</a></li>\n</ol></li>\n</ol>"],
    );
}

#[test]
fn the_same_sources_make_the_same_epub() {
    let fixture = rich();
    let epub = epub::write(fixture.root()).unwrap();
    let first = fs::read(&epub).unwrap();
    let mut archive = ZipArchive::new(File::open(&epub).unwrap()).unwrap();
    for index in 0..archive.len() {
        let file = archive.by_index(index).unwrap();
        assert_eq!(file.last_modified().unwrap().year(), 1980);
    }
    assert_eq!(
        fs::read(epub::write(fixture.root()).unwrap()).unwrap(),
        first
    );
}

#[test]
fn a_book_without_a_date_is_refused() {
    if std::env::var_os("SOURCE_DATE_EPOCH").is_none() {
        let error = epub::write(Fixture::new().root()).unwrap_err();
        assert_says(&error.to_string(), &["set SOURCE_DATE_EPOCH"]);
    }
}

/// Needs epubcheck, which continuous integration installs; elsewhere its absence must be said.
#[test]
fn epubcheck_has_the_last_word() {
    let fixture = rich();
    let epub = epub::write(fixture.root()).unwrap();
    match epub::check(&epub) {
        Ok(()) => {
            let mut file = File::options().write(true).open(&epub).unwrap();
            file.rewind().unwrap();
            file.set_len(999).unwrap();
            let error = epub::check(&epub).unwrap_err();
            assert_says(&error.to_string(), &["epubcheck refuses the book", "PKG-"]);
        }
        Err(error) => assert_says(&error.to_string(), &["apt-get install"]),
    }
}

/// Likewise, needs Chromium, poppler-utils and qpdf.
#[test]
fn a_pdf_has_all_its_lines() {
    let fixture = rich();
    let pdf = match pdf::write(fixture.root()) {
        Ok(mut written) => written.remove(0),
        Err(error) => return assert_says(&error.to_string(), &["apt-get install"]),
    };
    assert_eq!(pdf.pages, 4);
    let told = poppler(&["pdfinfo", "-isodates"], &pdf.file, &[]);
    let date = "2026-01-02T03:04:05Z";
    assert_says(&told, &["Essai", "(A4)", date]);
    assert_eq!(told.matches(date).count(), 2, "{told}");
    let text = poppler(&["pdftotext", "-layout"], &pdf.file, &["-"]);
    let parts = [
        "1. Deux",
        "Version du 02/01/2026",
        "− ",
        "+ ",
        "se lit dans les versions HTML et EPUB",
    ];
    assert_says(&text, &parts);
    let outline = poppler(&["pdftohtml", "-xml", "-stdout"], &pdf.file, &[]);
    let outline: String = outline.split("<outline>").skip(1).collect();
    let titles = [">Un</item>", ">La partie</item>\n\n>Deux</item>"];
    assert_says(
        &Regex::new("<.*?page=\"\\d+\"")
            .unwrap()
            .replace_all(&outline, ""),
        &titles,
    );
    pdf.check().unwrap();

    let words = "mot ".repeat(50);
    fixture.add(&format!(
        "{CHAPTER}\n\n<p style=\"white-space: nowrap\">{words}</p>"
    ));
    let wide = pdf::write(fixture.root()).unwrap().remove(0).check();
    let wide = wide.unwrap_err();
    assert_says(
        &wide.to_string(),
        &["the PDF: too wide: two: mot mot", "1 to mend"],
    );
}

/// Likewise.
#[test]
fn a_part_may_begin_another_volume() {
    let fixture = rich();
    let config = fixture.read("book/book.toml");
    let with = |part| format!("{config}volumes = [\"{part}\"]\n");
    fixture.write("book/book.toml", &with("La partie"));
    let volumes = match pdf::write(fixture.root()) {
        Ok(written) => written,
        Err(error) => return assert_says(&error.to_string(), &["apt-get install"]),
    };
    let texts: Vec<_> = volumes
        .iter()
        .map(|pdf| poppler(&["pdftotext", "-layout"], &pdf.file, &["-"]))
        .collect();
    let [first, second] = &texts[..] else {
        panic!("{texts:#?}")
    };
    assert_says(first, &["Tome 1", "Essai, tome 1"]);
    assert_says(second, &["Tome 2", "le premier tome 1", "1. Deux"]);
    assert!(!first.contains("Deux"), "{first}");

    fixture.write("book/book.toml", &with("La mer"));
    let error = pdf::write(fixture.root()).unwrap_err();
    assert_says(&error.to_string(), &["no part is called `La mer`"]);
}
