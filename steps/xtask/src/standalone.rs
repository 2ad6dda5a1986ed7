//! A step's manifest, made to stand without the workspace.

use std::path::Path;

use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike, Value};

use crate::{Error, manifest};

/// The tables that hold dependencies.
const DEPENDENCIES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// Resolves what the manifest `text` inherits from the workspace of the project at `root`, and makes
/// it a workspace of its own.
pub(crate) fn standalone(root: &Path, text: &str) -> Result<String, Error> {
    let path = root.join(manifest::FILE);
    let shared = manifest::parse(&path, &crate::files::read_text(&path)?)?;
    let shared = Workspace {
        root,
        path: &path,
        table: &shared["workspace"],
    };
    let mut document: DocumentMut = manifest::parse(Path::new(manifest::FILE), text)?;
    shared.resolve_package(&mut document)?;
    shared.resolve_dependencies(document.as_table_mut())?;
    if inherits(document.get("lints")) {
        let mut lints = shared.get("lints", None)?.clone();
        forget_position(&mut lints);
        document["lints"] = lints;
    }
    // An empty [workspace] keeps cargo from looking for one in the folders above.
    document["workspace"] = Item::Table(Table::new());
    Ok(document.to_string())
}

struct Workspace<'a> {
    root: &'a Path,
    path: &'a Path,
    table: &'a Item,
}

impl Workspace<'_> {
    /// What the workspace shares under these keys.
    fn get(&self, table: &str, key: Option<&str>) -> Result<&Item, Error> {
        let found = self.table.get(table);
        let found = match key {
            Some(key) => found.and_then(|found| found.get(key)),
            None => found,
        };
        found.ok_or_else(|| {
            let key = key.map(|key| format!(", key `{key}`")).unwrap_or_default();
            let message =
                format!("a step inherits from [workspace.{table}]{key}, which isn't there");
            Error::manifest(self.path, &message)
        })
    }

    fn resolve_package(&self, document: &mut DocumentMut) -> Result<(), Error> {
        let Some(package) = document["package"].as_table_mut() else {
            return Ok(());
        };
        // What the project says of its steps means nothing outside of it.
        package.remove("metadata");
        for (key, item) in package.iter_mut() {
            if inherits(Some(item)) {
                *item = self.get("package", Some(key.get()))?.clone();
            }
        }
        Ok(())
    }

    /// Resolves the dependencies of this table, and of the tables for certain targets in it.
    fn resolve_dependencies(&self, table: &mut dyn TableLike) -> Result<(), Error> {
        for name in DEPENDENCIES {
            let Some(dependencies) = table.get_mut(name).and_then(Item::as_table_like_mut) else {
                continue;
            };
            for (key, item) in dependencies.iter_mut() {
                if inherits(Some(item)) {
                    *item = Item::Value(self.dependency(key.get(), item)?);
                }
            }
        }
        if let Some(targets) = table.get_mut("target").and_then(Item::as_table_like_mut) {
            for (_, target) in targets.iter_mut() {
                if let Some(target) = target.as_table_like_mut() {
                    self.resolve_dependencies(target)?;
                }
            }
        }
        Ok(())
    }

    /// The shared dependency, with what the step adds to it: features, `optional` …
    fn dependency(&self, name: &str, own: &Item) -> Result<Value, Error> {
        let shared = self.get("dependencies", Some(name))?;
        let mut whole = match shared.as_str() {
            Some(version) => InlineTable::from_iter([("version", version)]),
            None => inline(shared),
        };
        if let Some(path) = whole.get("path").and_then(Value::as_str) {
            let path = self.root.join(path).to_string_lossy().into_owned();
            whole.insert("path", path.into());
        }
        let mut features = list(whole.get("features"));
        for (key, value) in &inline(own) {
            match key {
                "workspace" => {}
                "features" => features.extend(list(Some(value))),
                _ => drop(whole.insert(key, value.clone())),
            }
        }
        if !features.is_empty() {
            features.dedup();
            whole.insert("features", Array::from_iter(features).into());
        }
        match whole.get("version") {
            Some(version) if whole.len() == 1 => Ok(version.clone().decorated(" ", "")),
            _ => {
                whole.fmt();
                Ok(Value::InlineTable(whole).decorated(" ", ""))
            }
        }
    }
}

/// Whether an item is `{ workspace = true, … }`, in any of the ways to write it.
fn inherits(item: Option<&Item>) -> bool {
    item.and_then(|item| item.get("workspace"))
        .and_then(Item::as_bool)
        .unwrap_or(false)
}

fn inline(item: &Item) -> InlineTable {
    let table = item.clone().into_value();
    match table {
        Ok(Value::InlineTable(mut table)) => {
            table.set_dotted(false);
            table
        }
        _ => InlineTable::new(),
    }
}

fn list(value: Option<&Value>) -> Vec<String> {
    let array = value.and_then(Value::as_array);
    let names = array.into_iter().flatten().filter_map(Value::as_str);
    names.map(str::to_owned).collect()
}

/// A table remembers its place in the document it comes from; in another one this shuffles them.
fn forget_position(item: &mut Item) {
    if let Some(table) = item.as_table_mut() {
        table.set_position(None);
        for (_, item) in table.iter_mut() {
            forget_position(item);
        }
    }
}
