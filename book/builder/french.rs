//! Makes the pages French: mdBook's own texts, and its search.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::problem::{Problem, Problems};

/// The files a text is found in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Page,
    BookScript,
    SearchScript,
}

impl Kind {
    fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let script = Path::new(name).extension().is_some_and(|end| end == "js");
        if Path::new(name).extension().is_some_and(|end| end == "html") {
            Some(Self::Page)
        } else if script && name.starts_with("book-") {
            Some(Self::BookScript)
        } else if script && name.starts_with("searcher-") {
            Some(Self::SearchScript)
        } else {
            None
        }
    }
}

/// A text of mdBook and its French. The markup around it is part of it, so
/// that a sentence of the book is never touched.
struct Pair {
    kind: Kind,
    english: &'static str,
    french: &'static str,
    when: When,
}

/// What brings a text of mdBook into the site.
enum When {
    Always,
    /// Chapters before and after others.
    SeveralChapters,
    /// A mark in the Markdown of a chapter.
    Marked(&'static str),
}

impl When {
    fn applies(&self, chapters: &[String]) -> bool {
        match self {
            Self::Always => true,
            Self::SeveralChapters => chapters.len() > 1,
            Self::Marked(mark) => chapters.iter().any(|text| text.contains(mark)),
        }
    }
}

const fn pair(kind: Kind, english: &'static str, french: &'static str, when: When) -> Pair {
    Pair {
        kind,
        english,
        french,
        when,
    }
}

const fn page(english: &'static str, french: &'static str) -> Pair {
    pair(Kind::Page, english, french, When::Always)
}

const fn neighbour(english: &'static str, french: &'static str) -> Pair {
    pair(Kind::Page, english, french, When::SeveralChapters)
}

const fn admonition(english: &'static str, french: &'static str, mark: &'static str) -> Pair {
    pair(Kind::Page, english, french, When::Marked(mark))
}

const fn book(english: &'static str, french: &'static str) -> Pair {
    pair(Kind::BookScript, english, french, When::Always)
}

const fn search(english: &'static str, french: &'static str) -> Pair {
    pair(Kind::SearchScript, english, french, When::Always)
}

const PAIRS: &[Pair] = &[
    page(">Keyboard shortcuts</h2>", ">Raccourcis clavier</h2>"),
    page(
        "<p>Press <kbd>←</kbd> or <kbd>→</kbd> to navigate between chapters</p>",
        "<p><kbd>←</kbd> et <kbd>→</kbd>\u{a0}: chapitre précédent, chapitre suivant</p>",
    ),
    page(
        "<p>Press <kbd>S</kbd> or <kbd>/</kbd> to search in the book</p>",
        "<p><kbd>S</kbd> ou <kbd>/</kbd>\u{a0}: chercher dans le livre</p>",
    ),
    page(
        "<p>Press <kbd>?</kbd> to show this help</p>",
        "<p><kbd>?</kbd>\u{a0}: afficher cette aide</p>",
    ),
    page(
        "<p>Press <kbd>Esc</kbd> to hide this help</p>",
        "<p><kbd>Échap</kbd>\u{a0}: fermer cette aide</p>",
    ),
    page(
        "class=\"sidebar\" aria-label=\"Table of contents\"",
        "class=\"sidebar\" aria-label=\"Table des matières\"",
    ),
    page(
        "title=\"Toggle Table of Contents\" aria-label=\"Toggle Table of Contents\"",
        "title=\"Table des matières\" aria-label=\"Afficher ou masquer la table des matières\"",
    ),
    page(
        "title=\"Change theme\" aria-label=\"Change theme\"",
        "title=\"Thème\" aria-label=\"Changer de thème\"",
    ),
    page("aria-label=\"Themes\"", "aria-label=\"Thèmes\""),
    page(
        "id=\"mdbook-theme-default_theme\">Auto</button>",
        "id=\"mdbook-theme-default_theme\">Automatique</button>",
    ),
    page(
        "id=\"mdbook-theme-light\">Light</button>",
        "id=\"mdbook-theme-light\">Clair</button>",
    ),
    page(
        "id=\"mdbook-theme-navy\">Navy</button>",
        "id=\"mdbook-theme-navy\">Sombre</button>",
    ),
    // Two themes are enough: the others would have to be designed as well.
    page(
        "<li role=\"none\"><button role=\"menuitem\" class=\"theme\" id=\"mdbook-theme-rust\">Rust</button></li>",
        "",
    ),
    page(
        "<li role=\"none\"><button role=\"menuitem\" class=\"theme\" id=\"mdbook-theme-coal\">Coal</button></li>",
        "",
    ),
    page(
        "<li role=\"none\"><button role=\"menuitem\" class=\"theme\" id=\"mdbook-theme-ayu\">Ayu</button></li>",
        "",
    ),
    page(
        "title=\"Search (`/`)\" aria-label=\"Toggle Searchbar\"",
        "title=\"Chercher ( / )\" aria-label=\"Afficher ou masquer la recherche\"",
    ),
    page(
        "placeholder=\"Search this book ...\"",
        "placeholder=\"Chercher dans le livre…\"",
    ),
    page(
        "title=\"Print this book\" aria-label=\"Print this book\"",
        "title=\"Imprimer le livre\" aria-label=\"Imprimer le livre\"",
    ),
    page(
        "aria-label=\"Page navigation\"",
        "aria-label=\"Navigation entre les chapitres\"",
    ),
    neighbour(
        "title=\"Previous chapter\" aria-label=\"Previous chapter\"",
        "title=\"Chapitre précédent\" aria-label=\"Chapitre précédent\"",
    ),
    neighbour(
        "title=\"Next chapter\" aria-label=\"Next chapter\"",
        "title=\"Chapitre suivant\" aria-label=\"Chapitre suivant\"",
    ),
    admonition("</svg>Note</p>", "</svg>Note</p>", "[!NOTE]"),
    admonition("</svg>Tip</p>", "</svg>Conseil</p>", "[!TIP]"),
    admonition("</svg>Important</p>", "</svg>Important</p>", "[!IMPORTANT]"),
    admonition("</svg>Warning</p>", "</svg>Attention</p>", "[!WARNING]"),
    admonition("</svg>Caution</p>", "</svg>Danger</p>", "[!CAUTION]"),
    book("title = 'Copy to clipboard'", "title = 'Copier'"),
    book("'Copied!'", "'Copié'"),
    book("'Clipboard error!'", "'Copie impossible'"),
    search(
        "' search result for \\'' + searchterm + '\\':'",
        "' résultat pour «\\u00a0' + searchterm + '\\u00a0»'",
    ),
    search(
        "'No search results for \\'' + searchterm + '\\'.'",
        "'Aucun résultat pour «\\u00a0' + searchterm + '\\u00a0»'",
    ),
    search(
        "' search results for \\'' + searchterm + '\\':'",
        "' résultats pour «\\u00a0' + searchterm + '\\u00a0»'",
    ),
    search(
        "aria-label=\"Search Result Teaser\"",
        "aria-label=\"Extrait du résultat\"",
    ),
];

/// What makes the search understand French, for the end of `elasticlunr.min.js`:
/// a script of its own would come too late for a page opened with `?search=`.
const SEARCH: &str = include_str!("../theme/search.js");

/// Translates the site built from the chapters in `source`.
///
/// # Errors
/// When a file can't be rewritten, or when a text to translate is nowhere: a
/// new mdBook has changed it, and `PAIRS` must follow.
pub fn translate(site: &Path, source: &Path) -> Result<()> {
    let chapters = chapters(source)?;
    let mut unused: Vec<&Pair> = PAIRS
        .iter()
        .filter(|pair| pair.when.applies(&chapters))
        .collect();
    let mut search_patched = false;
    for path in files(site)? {
        if let Some(kind) = Kind::of(&path) {
            translate_file(&path, kind, &mut unused)?;
        } else if is_search_library(&path) {
            append(&path, SEARCH)?;
            search_patched = true;
        }
    }
    ensure!(
        search_patched,
        "the site has no elasticlunr-*.min.js to make French"
    );
    let missing = unused.iter().map(|pair| {
        let message = format!(
            "mdBook's {:?} no longer holds `{}`: mend PAIRS",
            pair.kind, pair.english
        );
        Problem::of("book/builder/french.rs", message)
    });
    Problems(missing.collect()).into_result()?;
    Ok(())
}

fn translate_file(path: &Path, kind: Kind, unused: &mut Vec<&Pair>) -> Result<()> {
    let before = read(path)?;
    let mut text = before.clone();
    for pair in PAIRS.iter().filter(|pair| pair.kind == kind) {
        if text.contains(pair.english) {
            text = text.replace(pair.english, pair.french);
            unused.retain(|other| other.english != pair.english);
        }
    }
    if text != before {
        write(path, &text)?;
    }
    Ok(())
}

fn is_search_library(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with("elasticlunr-"))
}

fn append(path: &Path, end: &str) -> Result<()> {
    let text = read(path)?;
    if text.contains(end) {
        return Ok(());
    }
    write(path, &format!("{text}\n{end}"))
}

/// The files in a folder and in its folders.
///
/// # Errors
/// When a folder can't be read.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries =
        fs::read_dir(folder).with_context(|| format!("can't read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The texts of the chapters, which are all the pages that have neighbours.
fn chapters(source: &Path) -> Result<Vec<String>> {
    let mut paths = files(source)?;
    paths.retain(|path| !path.ends_with("SUMMARY.md") && !path.ends_with("404.md"));
    paths.iter().map(|path| read(path)).collect()
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("can't write {}", path.display()))
}
