//! What a step's `Cargo.toml` says of the step, and how it becomes that of another.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

/// The file's name.
pub(crate) const FILE: &str = "Cargo.toml";

/// What stands where something remains to be written.
pub(crate) const TODO: &str = "TODO";

const STEP: &str = "[package.metadata.step]";
const DESCRIPTION: &str = "description = ";

#[derive(Deserialize)]
struct Manifest {
    package: Package,
}

/// The `[package]` table, as far as a step needs it.
#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) metadata: Metadata,
}

#[derive(Deserialize)]
pub(crate) struct Metadata {
    pub(crate) step: Identity,
}

/// The `[package.metadata.step]` table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identity {
    pub(crate) part: Option<u32>,
    pub(crate) title: String,
}

/// Reads the `[package]` table of the manifest `text`, found at `path`.
pub(crate) fn package(path: &Path, text: &str) -> Result<Package> {
    let manifest: Manifest = toml::from_str(text).with_context(|| {
        format!(
            "{}: a step's manifest has a `description`, and in {STEP} a `title` and perhaps a `part`, nothing else",
            path.display()
        )
    })?;
    ensure!(
        text.lines().any(|line| line == STEP) && !manifest.package.description.contains('\n'),
        "{}: write the description on one line, and the step's table under {STEP}",
        path.display()
    );
    Ok(manifest.package)
}

/// What a manifest says of the step itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Own {
    /// The description.
    Description,
    /// The table of the step.
    Step,
}

/// The lines of a manifest, each with its end, and what it says of the step itself.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (Option<Own>, &str)> {
    let mut in_step = false;
    text.split_inclusive('\n').map(move |line| {
        if line.starts_with('[') {
            in_step = line.trim_end() == STEP;
        }
        let own = if in_step {
            Some(Own::Step)
        } else if line.starts_with(DESCRIPTION) {
            Some(Own::Description)
        } else {
            None
        };
        (own, line)
    })
}

/// The manifest without what it says of the step itself.
pub(crate) fn anonymous(text: &str) -> String {
    let shared = lines(text).filter(|(own, _)| own.is_none());
    shared.map(|(_, line)| line).collect()
}

/// The manifest of a step whose description and title remain to be written.
pub(crate) fn unwritten(text: &str) -> String {
    let written = lines(text).map(|(own, line)| match own {
        Some(Own::Description) => format!("{DESCRIPTION}\"{TODO}\"\n"),
        Some(Own::Step) if line.starts_with("title = ") => format!("title = \"{TODO}\"\n"),
        _ => line.to_owned(),
    });
    written.collect()
}

/// The manifest as that of a workspace of its own, which shares what the one at `root` shares.
pub(crate) fn standalone(root: &Path, text: &str) -> Result<String> {
    let path = root.join(FILE);
    let mut shared: toml::Table = crate::files::read_text(&path)?
        .parse()
        .with_context(|| path.display().to_string())?;
    shared.retain(|key, _| ["profile", "workspace"].contains(&key));
    if let Some(workspace) = shared
        .get_mut("workspace")
        .and_then(|table| table.as_table_mut())
    {
        workspace.remove("members");
    }
    if let Some(packages) = shared
        .get_mut("profile")
        .and_then(|profile| profile.get_mut("dev")?.get_mut("package")?.as_table_mut())
    {
        // Cargo warns of each that isn't there.
        let built = built(root, text)?;
        packages.retain(|name, _| built.contains(name));
    }
    Ok(format!("{text}\n{}", toml::to_string(&shared)?))
}

/// The names of the packages that the one with this manifest is built of, as the lock file has them.
fn built(root: &Path, text: &str) -> Result<BTreeSet<String>> {
    #[derive(Deserialize)]
    struct Lock {
        package: Vec<Locked>,
    }
    #[derive(Deserialize)]
    struct Locked {
        name: String,
        #[serde(default)]
        dependencies: Vec<String>,
    }
    let lock: Lock = toml::from_str(&crate::files::read_text(&root.join("Cargo.lock"))?)?;
    let manifest: toml::Table = text.parse()?;
    let name = manifest
        .get("package")
        .and_then(|it| it.get("name")?.as_str());
    let mut waiting: Vec<_> = name.map(str::to_owned).into_iter().collect();
    let mut built = BTreeSet::new();
    while let Some(name) = waiting.pop() {
        if !built.insert(name.clone()) {
            continue;
        }
        let packages = lock.package.iter().filter(|package| package.name == name);
        for dependency in packages.flat_map(|package| &package.dependencies) {
            // A version follows if there are several.
            waiting.extend(dependency.split(' ').next().map(str::to_owned));
        }
    }
    Ok(built)
}
