//! What a step's `Cargo.toml` says of the step, and how to leave it out of comparisons.

use std::path::Path;

use serde::Deserialize;
use toml_edit::DocumentMut;

use crate::Error;

/// The file's name.
pub(crate) const FILE: &str = "Cargo.toml";

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
    pub(crate) part: u32,
    pub(crate) title: String,
}

/// Reads the `[package]` table of the manifest `text`, found at `path`.
pub(crate) fn package(path: &Path, text: &str) -> Result<Package, Error> {
    let manifest: Manifest = toml::from_str(text).map_err(|error| {
        Error::manifest(
            path,
            &format!(
                "{error}a step's manifest has a `description`, and in [package.metadata.step] `part` and `title`"
            ),
        )
    })?;
    Ok(manifest.package)
}

/// The manifest without the step's identity: no description, no `[package.metadata.step]`.
pub(crate) fn anonymous(path: &Path, text: &str) -> Result<String, Error> {
    let mut document = parse(path, text)?;
    if let Some(package) = document["package"].as_table_mut() {
        package.remove("description");
        if let Some(metadata) = package["metadata"].as_table_like_mut() {
            metadata.remove("step");
            if metadata.is_empty() {
                package.remove("metadata");
            }
        }
    }
    Ok(document.to_string())
}

/// Parses a manifest for editing.
pub(crate) fn parse(path: &Path, text: &str) -> Result<DocumentMut, Error> {
    text.parse().map_err(|error| Error::manifest(path, &error))
}
