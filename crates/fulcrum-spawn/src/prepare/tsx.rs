//! The `tsx` that a domain has installed, for TypeScript that needs more than type stripping.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::package_json::{PackageJson, find_package};

/// An installed `tsx`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tsx {
    /// The module that `--import tsx` loads.
    pub(super) loader: PathBuf,
    pub(super) version: String,
}

/// The `tsx` that Node resolves from `dir`; `None` if there is none, or no usable one.
pub(super) fn find(dir: &Path) -> Option<Tsx> {
    let package_dir = find_package("tsx", dir)?;
    let package = PackageJson::in_dir(&package_dir).ok().flatten()?;
    let main = package.exports.get(".").unwrap_or(&package.exports);
    let loader = package_dir.join(import_target(main)?.trim_start_matches("./"));
    let version = package
        .version
        .as_str()
        .unwrap_or("(unknown version)")
        .to_owned();
    loader.is_file().then_some(Tsx { loader, version })
}

fn import_target(exports: &Value) -> Option<&str> {
    match exports {
        Value::String(target) => Some(target),
        Value::Object(map) => map
            .iter()
            .find(|(name, _)| matches!(name.as_str(), "import" | "node" | "default"))
            .and_then(|(_, target)| import_target(target)),
        _ => None,
    }
}

/// The `file:` URL of a path, for `--import`: in a plain path `%`, `#` and `?` would have a meaning.
pub(super) fn file_url(path: &Path) -> String {
    let mut url = String::from("file://");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z'
            | b'A'..=b'Z'
            | b'0'..=b'9'
            | b'/'
            | b'-'
            | b'.'
            | b'_'
            | b'~'
            | b'@'
            | b'+' => {
                url.push(char::from(*byte));
            }
            other => url.push_str(&format!("%{other:02X}")),
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loader_is_the_export_of_the_package() {
        let app = tempfile::tempdir().unwrap();
        let package_dir = app.path().join("node_modules/tsx");
        std::fs::create_dir_all(package_dir.join("dist")).unwrap();
        let domain = app.path().join("domains/a");
        std::fs::write(
            package_dir.join("package.json"),
            r#"{"version":"4.23.1","exports":{".":"./dist/loader.mjs","./cli":"./dist/cli.mjs"}}"#,
        )
        .unwrap();
        assert_eq!(find(&domain), None, "the file does not exist");
        std::fs::write(package_dir.join("dist/loader.mjs"), "").unwrap();
        let tsx = find(&domain).unwrap();
        assert_eq!(tsx.version, "4.23.1");
        assert!(tsx.loader.ends_with("node_modules/tsx/dist/loader.mjs"));
    }

    #[test]
    fn urls_escape_reserved_characters() {
        assert_eq!(
            file_url(Path::new("/a b/100%#?é.mjs")),
            "file:///a%20b/100%25%23%3F%C3%A9.mjs"
        );
    }
}
