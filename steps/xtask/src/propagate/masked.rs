//! A step with what is its own, its crate's names and its identity, replaced by marks that can be
//! put back: what remains merges from one step to the next.

use anyhow::{Result, bail};

use crate::Tree;
use crate::manifest::{self, Own};
use crate::names::Names;

// Characters that have no business in a step, so that each mark comes back from one place only.
const OPENING: char = '⟦';
const CRATE: &str = "⟦step-crate⟧";
const DESCRIPTION: &str = "⟦description⟧\n";
const STEP: &str = "⟦step⟧\n";

/// What the marks of a step stand for.
pub(super) struct Mask {
    names: Names,
    description: String,
    step: String,
}

impl Mask {
    /// Masks the files of the step whose package has this name.
    pub(super) fn apply(package: &str, source: &Tree) -> Result<(Self, Tree)> {
        if let Some((path, _)) = source.iter().find(|(_, text)| text.contains(OPENING)) {
            bail!(
                "{package}/{path} holds the character `{OPENING}`, which the propagation uses for its marks: write it otherwise, as an escape for instance"
            );
        }
        let mut mask = Self {
            names: Names::found_in(package, source),
            description: String::new(),
            step: String::new(),
        };
        let mut tree = source.clone();
        if let Some(text) = tree.get_mut(manifest::FILE) {
            *text = mask.hide_identity(text);
        }
        let tree = mask.names.replace_in(&tree, &Names::of(CRATE));
        Ok((mask, tree))
    }

    /// Puts back what the marks stand for in this step.
    pub(super) fn remove(&self, masked: &Tree) -> Tree {
        let mut tree = Names::of(CRATE).replace_in(masked, &self.names);
        if let Some(text) = tree.get_mut(manifest::FILE) {
            *text = text
                .replace(DESCRIPTION, &self.description)
                .replace(STEP, &self.step);
        }
        tree
    }

    fn hide_identity(&mut self, text: &str) -> String {
        let mut masked = String::new();
        for (own, line) in manifest::lines(text) {
            let (hidden, mark) = match own {
                Some(Own::Description) => (&mut self.description, DESCRIPTION),
                Some(Own::Step) => (&mut self.step, STEP),
                None => {
                    masked.push_str(line);
                    continue;
                }
            };
            if hidden.is_empty() {
                masked.push_str(mark);
            }
            hidden.push_str(line);
        }
        masked
    }
}

#[cfg(test)]
mod tests {
    use super::Mask;
    use crate::Tree;

    const MANIFEST: &str = "\
[package]
name = \"step01-loop\"
description = \"One worker\" # a comment
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
        assert!(manifest.contains("\n[dependencies]\ntokio.workspace = true\n"));
        assert_eq!(mask.remove(&masked), tree());
    }

    #[test]
    fn a_masked_step_becomes_another_one() {
        let (_, masked) = Mask::apply("step01-loop", &tree()).unwrap();
        let mut other = tree();
        other.insert(
            "Cargo.toml".to_owned(),
            "[package]\nname = \"step02-two\"\ndescription = \"Two\"\n[package.metadata.step]\npart = 7\n\n".to_owned(),
        );
        let (mask, _) = Mask::apply("step02-two", &other).unwrap();
        let unmasked = mask.remove(&masked);
        assert!(unmasked["Cargo.toml"].contains("name = \"step02-two\"\ndescription = \"Two\"\n"));
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
        named.insert(
            "src/main.rs".to_owned(),
            "use engine::Task; // engine.db\n".to_owned(),
        );
        let (mask, hidden) = Mask::apply("step12-full", &named).unwrap();
        assert_eq!(
            hidden["src/main.rs"],
            "use ⟦step_crate⟧::Task; // engine.db\n"
        );
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
