//! The names of a step's crate, which differ at every step although nothing else does.

use crate::{Tree, manifest};

/// What replaces a step's package name where steps are compared.
const PACKAGE: &str = "task-engine";

/// The names of a crate.
pub(crate) struct Names {
    /// As in `Cargo.toml`: `step03-persistence`.
    package: String,
    /// As in Rust: `step03_persistence`, unless the manifest says otherwise.
    library: String,
}

impl Names {
    /// The names of a package whose library is called after it.
    pub(crate) fn of(package: &str) -> Self {
        Self::given(package, &package.replace('-', "_"))
    }

    /// The names of the package that holds these files.
    pub(crate) fn found_in(package: &str, tree: &Tree) -> Self {
        let library = tree.get(manifest::FILE).and_then(|text| {
            let manifest: toml::Table = text.parse().ok()?;
            Some(manifest.get("lib")?.get("name")?.as_str()?.to_owned())
        });
        match library {
            Some(library) => Self::given(package, &library),
            None => Self::of(package),
        }
    }

    /// The names that every step shares where steps are compared.
    pub(crate) fn shared() -> Self {
        Self::of(PACKAGE)
    }

    /// Two given names.
    pub(crate) fn given(package: &str, library: &str) -> Self {
        Self {
            package: package.to_owned(),
            library: library.to_owned(),
        }
    }

    /// The names once the package is called otherwise: a library with a name of its own keeps it.
    pub(crate) fn renamed(&self, package: &str) -> Self {
        if self.has_own_library() {
            Self::given(package, &self.library)
        } else {
            Self::of(package)
        }
    }

    fn has_own_library(&self) -> bool {
        self.library != self.package.replace('-', "_")
    }

    /// Replaces these names by others, in a text or a path.
    ///
    /// A number belongs to one step only, so a plain search finds a crate that has one, also inside
    /// longer words, such as the file names of snapshots. Another library's name may be any word: it
    /// is replaced where it begins a path of Rust.
    pub(crate) fn replace(&self, text: &str, by: &Names) -> String {
        let text = text.replace(&self.package, &by.package);
        if self.has_own_library() {
            text.replace(&format!("{}::", self.library), &format!("{}::", by.library))
        } else {
            text.replace(&self.library, &by.library)
        }
    }

    /// Replaces these names by others in the paths and texts of a tree.
    pub(crate) fn replace_in(&self, tree: &Tree, by: &Names) -> Tree {
        tree.iter()
            .map(|(path, text)| (self.replace(path, by), self.replace(text, by)))
            .collect()
    }
}
