//! The names of a step's crate, which differ at every step although nothing else does.

use crate::Tree;

/// What replaces a step's package name where steps are compared.
const PACKAGE: &str = "task-engine";

/// The two spellings of a crate's name.
pub(crate) struct Names {
    /// As in `Cargo.toml`: `step03-persistence`.
    package: String,
    /// As in Rust: `step03_persistence`.
    library: String,
}

impl Names {
    pub(crate) fn of(package: &str) -> Self {
        Self {
            package: package.to_owned(),
            library: package.replace('-', "_"),
        }
    }

    /// The names that every step shares where steps are compared.
    pub(crate) fn shared() -> Self {
        Self::of(PACKAGE)
    }

    /// Two given spellings.
    pub(crate) fn given(package: &str, library: &str) -> Self {
        Self {
            package: package.to_owned(),
            library: library.to_owned(),
        }
    }

    /// Replaces these names by others, in a text or a path.
    ///
    /// A number belongs to one step only, so a plain search finds this crate's names and no others;
    /// it also finds them inside longer words, such as the file names of snapshots.
    pub(crate) fn replace(&self, text: &str, by: &Names) -> String {
        text.replace(&self.package, &by.package)
            .replace(&self.library, &by.library)
    }

    /// Replaces these names by others in the paths and texts of a tree.
    pub(crate) fn replace_in(&self, tree: &Tree, by: &Names) -> Tree {
        tree.iter()
            .map(|(path, text)| (self.replace(path, by), self.replace(text, by)))
            .collect()
    }
}
