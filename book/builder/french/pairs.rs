//! The texts of mdBook, in French, and what else of its pages is mended.

use std::path::Path;

use Place::{Admonition, BookScript, Neighbours, Page, SearchScript, Variables};

/// Where mdBook writes a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In all pages.
    Page,
    /// In pages that others come before or after.
    Neighbours,
    /// In pages whose Markdown has this mark.
    Admonition(&'static str),
    BookScript,
    SearchScript,
    /// In the style sheet of the themes.
    Variables,
}

impl Place {
    /// Whether the text can be in the file.
    pub fn is_in(self, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_script = |start| name.starts_with(start) && name.ends_with(".js");
        match self {
            Page | Neighbours | Admonition(_) => name.ends_with(".html"),
            BookScript => is_script("book-"),
            SearchScript => is_script("searcher-"),
            Variables => name.starts_with("variables-"),
        }
    }

    /// Whether the text must be somewhere, given those of the chapters.
    pub fn is_due(self, chapters: &[String]) -> bool {
        match self {
            Page | BookScript | SearchScript | Variables => true,
            Neighbours => chapters.len() > 1,
            Admonition(mark) => chapters.iter().any(|text| text.contains(mark)),
        }
    }
}

/// A text of mdBook and its French.
pub type Pair = (Place, &'static str, &'static str);

/// All of them. The markup around a text is part of it, so that a sentence of the book is never
/// touched.
pub const PAIRS: &[Pair] = &[
    (Page, ">Keyboard shortcuts</h2>", ">Raccourcis clavier</h2>"),
    (
        Page,
        "<p>Press <kbd>←</kbd> or <kbd>→</kbd> to navigate between chapters</p>",
        "<p><kbd>←</kbd> et <kbd>→</kbd>\u{a0}: chapitre précédent, chapitre suivant</p>",
    ),
    (
        Page,
        "<p>Press <kbd>S</kbd> or <kbd>/</kbd> to search in the book</p>",
        "<p><kbd>S</kbd> ou <kbd>/</kbd>\u{a0}: chercher dans le livre</p>",
    ),
    (
        Page,
        "<p>Press <kbd>?</kbd> to show this help</p>",
        "<p><kbd>?</kbd>\u{a0}: afficher cette aide</p>",
    ),
    (
        Page,
        "<p>Press <kbd>Esc</kbd> to hide this help</p>",
        "<p><kbd>Échap</kbd>\u{a0}: fermer cette aide</p>",
    ),
    (
        Page,
        "class=\"sidebar\" aria-label=\"Table of contents\"",
        "class=\"sidebar\" aria-label=\"Table des matières\"",
    ),
    (
        Page,
        "title=\"Toggle Table of Contents\" aria-label=\"Toggle Table of Contents\"",
        "title=\"Table des matières\"",
    ),
    (
        Page,
        "title=\"Change theme\" aria-label=\"Change theme\"",
        "title=\"Thème\" aria-label=\"Changer de thème\"",
    ),
    (Page, "aria-label=\"Themes\"", "aria-label=\"Thèmes\""),
    (
        Page,
        "id=\"mdbook-theme-default_theme\">Auto</button>",
        "id=\"mdbook-theme-default_theme\">Automatique</button>",
    ),
    (
        Page,
        "id=\"mdbook-theme-light\">Light</button>",
        "id=\"mdbook-theme-light\">Clair</button>",
    ),
    (
        Page,
        "id=\"mdbook-theme-navy\">Navy</button>",
        "id=\"mdbook-theme-navy\">Sombre</button>",
    ),
    (Page, "<title>Page not found", "<title>Page introuvable"),
    // The keyboard reaches the text at once, and the list of the chapters: a box that can be checked,
    // where mdBook hides it and gives its label, which has no role, what only a button may have.
    (
        Page,
        "<div id=\"mdbook-body-container\">",
        "<a class=\"skip\" href=\"#mdbook-content\">Aller au texte</a><div id=\"mdbook-body-container\">",
    ),
    (
        Page,
        "id=\"mdbook-sidebar-toggle-anchor\" class=\"hidden\"",
        "id=\"mdbook-sidebar-toggle-anchor\" aria-label=\"Table des matières\"",
    ),
    (
        Page,
        "document.getElementById('mdbook-sidebar-toggle').setAttribute('aria-expanded', sidebar === 'visible');",
        "",
    ),
    (
        BookScript,
        "sidebarToggleButton.setAttribute('aria-expanded', true);",
        "",
    ),
    (
        BookScript,
        "sidebarToggleButton.setAttribute('aria-expanded', false);",
        "",
    ),
    // Without scripts the book is in its light theme, not half in a dark one of mdBook's.
    (
        Variables,
        "@media (prefers-color-scheme: dark) {\n    html:not(.js) {",
        "@media not all {\n    html:not(.js) {",
    ),
    // Two themes are enough: the others would have to be designed as well.
    (
        Page,
        "<li role=\"none\"><button role=\"menuitem\" class=\"theme\" id=\"mdbook-theme-rust\">Rust</button></li>",
        "",
    ),
    (
        Page,
        "<li role=\"none\"><button role=\"menuitem\" class=\"theme\" id=\"mdbook-theme-coal\">Coal</button></li>",
        "",
    ),
    (
        Page,
        "<li role=\"none\"><button role=\"menuitem\" class=\"theme\" id=\"mdbook-theme-ayu\">Ayu</button></li>",
        "",
    ),
    (
        Page,
        "title=\"Search (`/`)\" aria-label=\"Toggle Searchbar\"",
        "title=\"Chercher ( / )\" aria-label=\"Afficher ou masquer la recherche\"",
    ),
    (
        Page,
        "placeholder=\"Search this book ...\"",
        "placeholder=\"Chercher dans le livre…\" aria-label=\"Chercher dans le livre\"",
    ),
    (
        Page,
        "title=\"Print this book\" aria-label=\"Print this book\"",
        "title=\"Imprimer le livre\" aria-label=\"Imprimer le livre\"",
    ),
    (
        Page,
        "aria-label=\"Page navigation\"",
        "aria-label=\"Navigation entre les chapitres\"",
    ),
    (
        Neighbours,
        "title=\"Previous chapter\" aria-label=\"Previous chapter\"",
        "title=\"Chapitre précédent\" aria-label=\"Chapitre précédent\"",
    ),
    (
        Neighbours,
        "title=\"Next chapter\" aria-label=\"Next chapter\"",
        "title=\"Chapitre suivant\" aria-label=\"Chapitre suivant\"",
    ),
    (Admonition("[!TIP]"), "</svg>Tip</p>", "</svg>Conseil</p>"),
    (
        Admonition("[!WARNING]"),
        "</svg>Warning</p>",
        "</svg>Attention</p>",
    ),
    (
        Admonition("[!CAUTION]"),
        "</svg>Caution</p>",
        "</svg>Danger</p>",
    ),
    (
        BookScript,
        "title = 'Copy to clipboard'",
        "title = 'Copier'",
    ),
    // What is copied is what one types, see theme/pages.js.
    (
        BookScript,
        "const playground = trigger.closest('pre');\n            return playground_text(playground, false);",
        "return window.typed(trigger.closest('.listing, pre').querySelector('code'));",
    ),
    (BookScript, "'Copied!'", "'Copié'"),
    (BookScript, "'Clipboard error!'", "'Copie impossible'"),
    (
        SearchScript,
        "' search result for \\'' + searchterm + '\\':'",
        "' résultat pour «\\u00a0' + searchterm + '\\u00a0»'",
    ),
    (
        SearchScript,
        "'No search results for \\'' + searchterm + '\\'.'",
        "'Aucun résultat pour «\\u00a0' + searchterm + '\\u00a0»'",
    ),
    (
        SearchScript,
        "' search results for \\'' + searchterm + '\\':'",
        "' résultats pour «\\u00a0' + searchterm + '\\u00a0»'",
    ),
    (
        SearchScript,
        "aria-label=\"Search Result Teaser\"",
        "aria-label=\"Extrait du résultat\"",
    ),
];
