//! A step with what is its own, its crate's names and its identity, replaced by marks that can be
//! put back: what remains merges from one step to the next.

use std::ops::Range;
use std::path::Path;

use toml_edit::{Document, Item};

use crate::names::Names;
use crate::{Error, Tree, manifest};

// Characters that have no business in a step, so that each mark comes back from one place only.
const OPENING: char = '⟦';
const PACKAGE: &str = "⟦package⟧";
const LIBRARY: &str = "⟦library⟧";
const DESCRIPTION: &str = "⟦description⟧";
const IDENTITY: &str = "⟦identity⟧";

/// What the marks of a step stand for.
pub(super) struct Mask {
    names: Names,
    description: String,
    identity: String,
}

impl Mask {
    /// Masks the files of the step whose package has this name.
    pub(super) fn apply(package: &str, source: &Tree) -> Result<(Self, Tree), Error> {
        if let Some((path, _)) = source.iter().find(|(_, text)| text.contains(OPENING)) {
            return Err(Error::ReservedCharacter {
                file: format!("{package}/{path}"),
                character: OPENING,
            });
        }
        let mut mask = Self {
            names: names(package, source),
            description: String::new(),
            identity: String::new(),
        };
        let mut tree = source.clone();
        if let Some(text) = tree.get_mut(manifest::FILE) {
            mask.hide_identity(&Path::new(package).join(manifest::FILE), text)?;
        }
        let tree = mask.names.replace_in(&tree, &marks());
        Ok((mask, tree))
    }

    /// Puts back what the marks stand for in this step.
    pub(super) fn remove(&self, masked: &Tree) -> Tree {
        let tree = marks().replace_in(masked, &self.names);
        tree.into_iter()
            .map(|(path, text)| {
                let text = text
                    .replace(DESCRIPTION, &self.description)
                    .replace(IDENTITY, &self.identity);
                (path, text)
            })
            .collect()
    }

    fn hide_identity(&mut self, path: &Path, text: &mut String) -> Result<(), Error> {
        let document =
            Document::parse(text.as_str()).map_err(|error| Error::manifest(path, &error))?;
        let package = document.get("package");
        let description = package.and_then(|package| package.get("description"));
        let description = description.and_then(Item::span);
        let step = package
            .and_then(|package| package.get("metadata"))
            .and_then(|metadata| metadata.get("step"));
        let step = step.and_then(entries);
        let mut places = [
            (description, DESCRIPTION, &mut self.description),
            (step, IDENTITY, &mut self.identity),
        ];
        // From the end, so that the other place doesn't move.
        places
            .sort_by_key(|(place, ..)| std::cmp::Reverse(place.as_ref().map(|place| place.start)));
        for (place, mark, hidden) in places {
            if let Some(place) = place {
                text[place.clone()].clone_into(hidden);
                text.replace_range(place, mark);
            }
        }
        Ok(())
    }
}

/// A crate can give its library another name than its package's.
fn names(package: &str, source: &Tree) -> Names {
    let manifest = source.get(manifest::FILE).map(String::as_str);
    let manifest = manifest.and_then(|text| Document::parse(text).ok());
    let library = manifest.as_ref().and_then(|manifest| {
        let name = manifest.get("lib")?.get("name")?;
        name.as_str()
    });
    library.map_or_else(
        || Names::of(package),
        |library| Names::given(package, library),
    )
}

fn marks() -> Names {
    Names::given(PACKAGE, LIBRARY)
}

/// Where the entries of a table are, from the first key to the last value.
fn entries(table: &Item) -> Option<Range<usize>> {
    let table = table.as_table_like()?;
    let spans = table.iter().filter_map(|(name, value)| {
        let (key, _) = table.get_key_value(name)?;
        Some((key.span()?.start, value.span()?.end))
    });
    spans.fold(None, |all, (start, end)| match all {
        None => Some(start..end),
        Some(Range {
            start: first,
            end: last,
        }) => Some(first.min(start)..last.max(end)),
    })
}

#[cfg(test)]
mod tests {
    use super::Mask;
    use crate::Tree;

    const MANIFEST: &str = "\
[package]
name = \"step01-loop\"
description = \"\"\"
One worker\"\"\" # a comment
edition.workspace = true

[package.metadata.step]
title = \"La boucle\" # another
part = 2

[dependencies]
tokio.workspace = true
";

    fn tree() -> Tree {
        Tree::from([
            ("Cargo.toml".to_owned(), MANIFEST.to_owned()),
            (
                "src/main.rs".to_owned(),
                "use step01_loop::Task; // task_engine, step01-loop\n".to_owned(),
            ),
            (
                "src/snapshots/step01_loop__a.snap".to_owned(),
                "source: steps/step01-loop/src/a.rs\n".to_owned(),
            ),
        ])
    }

    #[test]
    fn a_mask_hides_what_is_the_step_s_own_and_gives_it_back() {
        let (mask, masked) = Mask::apply("step01-loop", &tree()).unwrap();
        let manifest = &masked["Cargo.toml"];
        for hidden in ["step01", "One worker", "boucle", "part"] {
            assert!(!manifest.contains(hidden), "{hidden} in {manifest}");
        }
        assert!(manifest.contains("\n\n[dependencies]\ntokio.workspace = true\n"));
        assert_eq!(mask.remove(&masked), tree());
    }

    #[test]
    fn a_masked_step_becomes_another_one() {
        let (_, masked) = Mask::apply("step01-loop", &tree()).unwrap();
        let mut other = tree();
        other.insert(
            "Cargo.toml".to_owned(),
            "[package]\nname = \"step02-two\"\ndescription = \"Two\"\n[package.metadata.step]\npart = 7\n".to_owned(),
        );
        let (mask, _) = Mask::apply("step02-two", &other).unwrap();
        let unmasked = mask.remove(&masked);
        assert!(
            unmasked["Cargo.toml"]
                .contains("name = \"step02-two\"\ndescription = \"Two\" # a comment\n")
        );
        assert!(unmasked["Cargo.toml"].contains("[package.metadata.step]\npart = 7\n"));
        assert_eq!(
            unmasked["src/main.rs"],
            "use step02_two::Task; // task_engine, step02-two\n"
        );
        assert!(unmasked.contains_key("src/snapshots/step02_two__a.snap"));
    }

    #[test]
    fn a_library_may_have_a_name_of_its_own() {
        let (_, masked) = Mask::apply("step01-loop", &tree()).unwrap();
        let mut named = tree();
        named.insert(
            "Cargo.toml".to_owned(),
            "[package]\nname = \"step12-full\"\n[lib]\nname = \"engine\"\n".to_owned(),
        );
        named.insert("src/main.rs".to_owned(), "use engine::Task;\n".to_owned());
        let (mask, hidden) = Mask::apply("step12-full", &named).unwrap();
        assert_eq!(hidden["src/main.rs"], "use ⟦library⟧::Task;\n");
        assert_eq!(
            mask.remove(&masked)["src/main.rs"],
            "use engine::Task; // task_engine, step12-full\n"
        );
    }

    #[test]
    fn the_character_of_the_marks_is_refused() {
        let tree = Tree::from([("src/lib.rs".to_owned(), "// ⟦".to_owned())]);
        let error = Mask::apply("step01-loop", &tree).err().unwrap();
        assert!(
            error.to_string().contains("step01-loop/src/lib.rs"),
            "{error}"
        );
    }
}
