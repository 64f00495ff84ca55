//! The fields of `package.json` that preparation uses.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::files::ancestors_until;
use crate::StartError;

/// A `package.json`, with the fields that are used here.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PackageJson {
    #[serde(skip)]
    pub(super) path: PathBuf,
    pub(super) name: Value,
    pub(super) r#type: Value,
    pub(super) version: Value,
    pub(super) dependencies: Lenient<BTreeMap<String, Value>>,
    pub(super) dev_dependencies: Lenient<BTreeMap<String, Value>>,
    pub(super) optional_dependencies: Lenient<BTreeMap<String, Value>>,
    pub(super) peer_dependencies: Lenient<BTreeMap<String, Value>>,
    pub(super) engines: Lenient<BTreeMap<String, Value>>,
    pub(super) imports: Value,
    pub(super) exports: Value,
    pub(super) workspaces: Value,
    pub(super) package_manager: Value,
    pub(super) dev_engines: Value,
    pub(super) volta: Value,
}

/// A field that has its default value where it does not have the expected type: what Node and npm
/// ignore must not keep a domain from starting.
#[derive(Debug, Clone, Default)]
pub(super) struct Lenient<T>(pub(super) T);

impl<'de, T: Default + serde::de::DeserializeOwned> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Ok(Self(serde_json::from_value(value).unwrap_or_default()))
    }
}

impl PackageJson {
    /// Reads the `package.json` in `dir`; `None` if there is none.
    ///
    /// # Errors
    /// A permanent failure if it cannot be read, or, with line and column, if it is not a JSON
    /// object: Node does not start with such a file either.
    pub(super) fn in_dir(dir: &Path) -> Result<Option<Self>, StartError> {
        let path = dir.join("package.json");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                return Ok(None);
            }
            Err(error) => {
                return Err(StartError::permanent(format!(
                    "cannot read {}: {error}",
                    path.display()
                ))
                .hint("check its permissions and that it is a text file"));
            }
        };
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let parsed: Result<Self, _> = serde_json::from_str(text);
        match parsed {
            Ok(package) => Ok(Some(Self { path, ..package })),
            Err(error) => {
                let (line, column) = (error.line(), error.column());
                let text = error.to_string();
                let message = text.split(" at line ").next().unwrap_or(&text);
                let shown = path.display();
                Err(StartError::permanent(format!(
                    "{shown}:{line}:{column}: not valid JSON: {message}"
                ))
                .hint("correct it: Node reads it before it runs a file of this directory"))
            }
        }
    }

    /// The nearest `package.json` from `dir` upward to `top`, both included.
    pub(super) fn nearest(dir: &Path, top: &Path) -> Result<Option<Self>, StartError> {
        for dir in ancestors_until(dir, top) {
            if let Some(package) = Self::in_dir(dir)? {
                return Ok(Some(package));
            }
        }
        Ok(None)
    }

    /// The package scope of a module in `dir`, as Node finds it: the nearest `package.json` upward to
    /// the root of the file system, but not out of a `node_modules` directory.
    pub(super) fn package_scope(dir: &Path) -> Result<Option<Self>, StartError> {
        for dir in dir.ancestors() {
            if dir.file_name().is_some_and(|name| name == "node_modules") {
                break;
            }
            if let Some(package) = Self::in_dir(dir)? {
                return Ok(Some(package));
            }
        }
        Ok(None)
    }

    /// The name of the package manager that it names, and the version: `packageManager`, else
    /// `devEngines.packageManager`.
    pub(super) fn named_manager(&self) -> Option<(String, Option<String>)> {
        if let Some(text) = self.package_manager.as_str() {
            let (name, version) = text.split_once('@').unwrap_or((text, ""));
            // A hash of the program may follow: `pnpm@9.0.0+sha512.…`.
            let version = version
                .split('+')
                .next()
                .filter(|version| !version.is_empty());
            return Some((name.to_owned(), version.map(str::to_owned)));
        }
        let engine = first(&self.dev_engines["packageManager"]);
        let name = engine["name"].as_str()?.to_owned();
        Some((name, engine["version"].as_str().map(str::to_owned)))
    }

    /// The directory of the file.
    pub(super) fn dir(&self) -> &Path {
        self.path.parent().unwrap_or(&self.path)
    }

    /// `engines.node`.
    pub(super) fn engines_node(&self) -> Option<&str> {
        self.engines.0.get("node").and_then(Value::as_str)
    }
}

/// A field of `devEngines`: one object, or a list of alternatives of which the first counts.
fn first(field: &Value) -> &Value {
    field
        .as_array()
        .map_or(field, |list| list.first().unwrap_or(field))
}

/// The directory of an installed package, as Node finds it from `dir` upward.
pub(super) fn find_package(name: &str, dir: &Path) -> Option<PathBuf> {
    dir.ancestors()
        .filter(|dir| dir.file_name().is_none_or(|last| last != "node_modules"))
        .map(|dir| dir.join("node_modules").join(name))
        .find(|package| package.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unexpected_types_are_ignored_and_invalid_json_is_located() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("package.json");
        std::fs::write(&path, r#"{"engines":["x"],"dependencies":7,"type":1}"#).unwrap();
        let package = PackageJson::in_dir(dir.path()).unwrap().unwrap();
        assert_eq!(
            (package.engines_node(), package.dependencies.0.len()),
            (None, 0)
        );
        std::fs::write(&path, "{\n  \"type\": module\n}").unwrap();
        let failure = PackageJson::in_dir(dir.path()).unwrap_err();
        assert!(
            failure.permanent && failure.message.contains("package.json:2:"),
            "{failure}"
        );
    }
}
