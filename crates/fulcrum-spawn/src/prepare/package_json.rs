//! The few things that `package.json` says to us.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::files::ancestors_until;
use crate::StartError;

/// A `package.json`, of which only what matters here is kept.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PackageJson {
    #[serde(skip)]
    pub(super) path: PathBuf,
    pub(super) name: Value,
    pub(super) r#type: Value,
    pub(super) version: Value,
    pub(super) dependencies: Lenient<BTreeMap<String, Value>>,
    pub(super) engines: Lenient<BTreeMap<String, Value>>,
    pub(super) imports: Value,
    pub(super) exports: Value,
    pub(super) workspaces: Value,
    pub(super) package_manager: Value,
}

/// A field whose value is taken if it has the expected shape: a `package.json` may hold anything,
/// and what Node and npm don't mind mustn't stop a domain.
#[derive(Debug, Clone, Default)]
pub(super) struct Lenient<T>(pub(super) T);

impl<'de, T: Default + serde::de::DeserializeOwned> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Ok(Self(serde_json::from_value(value).unwrap_or_default()))
    }
}

impl PackageJson {
    /// Reads the one in `dir`; `None` if there is none.
    ///
    /// # Errors
    /// A permanent failure with line and column if it isn't a JSON object, since Node refuses to
    /// start beside such a file.
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
                    "{}: can't be read: {error}",
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
                let full = error.to_string();
                let what = full.split(" at line ").next().unwrap_or(&full);
                let shown = path.display();
                Err(StartError::permanent(format!(
                    "{shown}:{line}:{column}: not valid JSON: {what}"
                ))
                .hint("correct it: Node reads it before it runs anything in this folder"))
            }
        }
    }

    /// The nearest one from `dir` upward to `top`, both included.
    pub(super) fn nearest(dir: &Path, top: &Path) -> Result<Option<Self>, StartError> {
        for dir in ancestors_until(dir, top) {
            if let Some(package) = Self::in_dir(dir)? {
                return Ok(Some(package));
            }
        }
        Ok(None)
    }

    /// The nearest one as Node finds it for a module in `dir`: upward to the root of the file
    /// system, but not out of a `node_modules` folder.
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

    /// The folder it is in.
    pub(super) fn dir(&self) -> &Path {
        self.path.parent().unwrap_or(&self.path)
    }

    /// `engines.node`.
    pub(super) fn engines_node(&self) -> Option<&str> {
        self.engines.0.get("node").and_then(Value::as_str)
    }
}

/// The folder of an installed package, found as Node does from `dir` upward.
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
    fn odd_shapes_are_ignored_and_broken_json_is_located() {
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
