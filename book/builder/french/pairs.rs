//! The texts of mdBook, in French.

use std::path::Path;

/// The files a text is found in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Page,
    BookScript,
    SearchScript,
}

impl Kind {
    pub fn of(path: &Path) -> Option<Self> {
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
pub struct Pair {
    pub kind: Kind,
    pub english: &'static str,
    pub french: &'static str,
    pub when: When,
}

/// What brings a text of mdBook into the site.
pub enum When {
    Always,
    /// Chapters before and after others.
    SeveralChapters,
    /// A mark in the Markdown of a chapter.
    Marked(&'static str),
}

impl When {
    pub fn applies(&self, chapters: &[String]) -> bool {
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

/// All of them.
pub const PAIRS: &[Pair] = &[
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
    admonition("</svg>Tip</p>", "</svg>Conseil</p>", "[!TIP]"),
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
