//! Everything the directives read: the steps, and the folder of the book.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use xtask::{Change, Step, Steps, Tree, compare};

/// The steps and their texts, read once for a build.
pub struct Library {
    root: PathBuf,
    steps: Steps,
    shelves: BTreeMap<String, Shelf>,
}

/// What one step holds.
struct Shelf {
    source: Tree,
    normalised: Tree,
    changes: Vec<Change>,
}

impl Library {
    /// Reads the steps of the repository at `root`.
    pub fn load(root: &Path) -> Result<Self> {
        let steps = Steps::load(root)?;
        let mut shelves = BTreeMap::new();
        let mut previous = Tree::new();
        for step in steps.iter() {
            let normalised = step.normalised()?;
            let shelf = Shelf {
                source: step.source()?,
                changes: compare(&previous, &normalised),
                normalised: normalised.clone(),
            };
            shelves.insert(step.slug.clone(), shelf);
            previous = normalised;
        }
        Ok(Self {
            root: root.to_owned(),
            steps,
            shelves,
        })
    }

    /// The steps, in order.
    pub fn steps(&self) -> &Steps {
        &self.steps
    }

    /// Reads a file of the repository, given by its path from the root.
    pub fn read(&self, path: &str) -> Result<String> {
        std::fs::read_to_string(self.root.join(path)).with_context(|| format!("can't read {path}"))
    }

    /// A step by its slug.
    pub fn step(&self, slug: &str) -> Result<&Step> {
        self.steps.find(slug)
    }

    /// A file of a step, as it is on the disk.
    pub fn source(&self, step: &Step, path: &str) -> Result<&str> {
        self.text(step, path, |shelf| &shelf.source)
    }

    /// A file of a step, with the names that don't change from step to step.
    pub fn normalised(&self, step: &Step, path: &str) -> Result<&str> {
        self.text(step, path, |shelf| &shelf.normalised)
    }

    /// The files of a step, sorted by path, with the names that don't change from step to step.
    pub fn normalised_files(&self, step: &Step) -> impl Iterator<Item = (&str, &str)> {
        let files = self.shelf(step).normalised.iter();
        files.map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// What the library of a step is called in Rust.
    pub fn crate_name(&self, step: &Step) -> Result<String> {
        let manifest: toml::Table = self.source(step, "Cargo.toml")?.parse()?;
        let name = manifest
            .get("lib")
            .and_then(|lib| lib.get("name")?.as_str());
        Ok(name.map_or_else(|| step.package.replace('-', "_"), str::to_owned))
    }

    fn text(&self, step: &Step, path: &str, tree: fn(&Shelf) -> &Tree) -> Result<&str> {
        let files = tree(self.shelf(step));
        files.get(path).map(String::as_str).with_context(|| {
            let known: Vec<_> = files.keys().map(String::as_str).collect();
            format!(
                "{} has no file {path}; it has: {}",
                step.package,
                known.join(", ")
            )
        })
    }

    /// The names of the files of a step, sorted.
    pub fn files(&self, step: &Step) -> impl Iterator<Item = &str> {
        self.shelf(step).source.keys().map(String::as_str)
    }

    /// What a step changes, file by file.
    pub fn changes(&self, step: &Step) -> &[Change] {
        &self.shelf(step).changes
    }

    /// What a step changes in one file.
    pub fn change(&self, step: &Step, path: &str) -> Result<&Change> {
        let changes = &self.shelf(step).changes;
        let found = changes.iter().find(|change| change.path == path);
        found.with_context(|| {
            let paths: Vec<_> = changes.iter().map(|change| change.path.as_str()).collect();
            format!(
                "{} doesn't change {path}; it changes: {}",
                step.package,
                paths.join(", ")
            )
        })
    }

    fn shelf(&self, step: &Step) -> &Shelf {
        self.shelves
            .get(&step.slug)
            .expect("a shelf is made for every step when the library is loaded")
    }
}
