//! All the steps, in order.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail, ensure};

use crate::change::{Change, compare};
use crate::step::parse_folder;
use crate::{Step, Tree};

/// The folder of the steps, under the root of the project.
pub(crate) const FOLDER: &str = "steps";

/// The steps of a project, in order: the folders `steps/stepNN-slug`.
#[derive(Clone, Debug)]
pub struct Steps {
    root: PathBuf,
    steps: Vec<Step>,
}

impl Steps {
    /// Finds the steps of the project at `root`.
    ///
    /// # Errors
    /// The numbers have a gap or a duplicate, two steps have the same slug, or a `Cargo.toml`
    /// lacks what a step must say of itself.
    pub fn load(root: &Path) -> Result<Self> {
        let root = root
            .canonicalize()
            .with_context(|| format!("can't find {}", root.display()))?;
        let folder = root.join(FOLDER);
        let mut steps = Vec::new();
        for entry in
            fs::read_dir(&folder).with_context(|| format!("can't read {}", folder.display()))?
        {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if let Some((number, slug)) = parse_folder(&name)
                && entry.path().is_dir()
            {
                steps.push(Step::load(&entry.path(), number, slug)?);
            }
        }
        steps.sort_by(|a, b| (a.number, &a.slug).cmp(&(b.number, &b.slug)));
        check_sequence(&steps).context("the steps don't follow each other")?;
        Ok(Self { root, steps })
    }

    /// The root of the project, absolute.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The steps in order.
    pub fn iter(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter()
    }

    /// The step with this slug.
    ///
    /// # Errors
    /// There is none; the error lists those that exist.
    pub fn find(&self, slug: &str) -> Result<&Step> {
        self.iter().find(|step| step.slug == slug).ok_or_else(|| {
            let known: Vec<&str> = self.iter().map(|step| step.slug.as_str()).collect();
            anyhow!(
                "there is no step `{slug}`; the steps are: {}",
                known.join(", ")
            )
        })
    }

    /// The step before this one, unless it is the first.
    #[must_use]
    pub fn previous(&self, step: &Step) -> Option<&Step> {
        self.iter().find(|other| other.number + 1 == step.number)
    }

    /// The step after this one, unless it is the last.
    #[must_use]
    pub fn next(&self, step: &Step) -> Option<&Step> {
        self.iter().find(|other| other.number == step.number + 1)
    }

    /// The last step, unless there is none at all.
    #[must_use]
    pub fn last(&self) -> Option<&Step> {
        self.steps.last()
    }

    /// What the step with this slug changes in its predecessor, both normalised, sorted by path.
    /// The first step adds everything it holds.
    ///
    /// # Errors
    /// The slug is unknown, or a file can't be read.
    pub fn changes(&self, slug: &str) -> Result<Vec<Change>> {
        let step = self.find(slug)?;
        let old = match self.previous(step) {
            Some(previous) => previous.normalised()?,
            None => Tree::new(),
        };
        Ok(compare(&old, &step.normalised()?))
    }
}

/// Refuses gaps and duplicates; the steps are sorted by number.
fn check_sequence(steps: &[Step]) -> Result<()> {
    for (step, expected) in steps.iter().zip(1..) {
        ensure!(
            step.number >= expected,
            "two steps have the number {:02}: renumber `{}` or the other one",
            step.number,
            step.package
        );
        ensure!(
            step.number == expected,
            "step {expected:02} is missing: `{}` should have this number",
            step.package
        );
    }
    for (index, step) in steps.iter().enumerate() {
        if let Some(twin) = steps[..index].iter().find(|other| other.slug == step.slug) {
            bail!(
                "`{}` and `{}` have the same slug: rename one of them",
                twin.package,
                step.package
            );
        }
    }
    Ok(())
}
