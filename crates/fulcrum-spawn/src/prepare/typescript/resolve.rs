//! Resolves import specifiers as Node does, and finds files that only a bundler would resolve.

use std::path::{Path, PathBuf};

use super::module_info::ImportKind;
use crate::prepare::package_json::PackageJson;

/// The target of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// A file that Node resolves, to be scanned.
    File(PathBuf),
    /// Not scanned: a package, a built-in module, a URL, data, or a file that does not exist. Node
    /// reports missing files, and a dynamic import may be expected to fail.
    External,
    /// A file that exists, but that Node does not resolve from this specifier.
    BundlerOnly(PathBuf, BundlerResolution),
}

/// How a bundler resolves a specifier that Node does not resolve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BundlerResolution {
    /// `./x` as `x.ts`.
    Extension,
    /// `./x.js` as `x.ts`.
    OtherExtension,
    /// `./x.tsx`, which has to be compiled.
    Jsx,
}

/// Resolves a specifier of the file `from`.
pub(super) fn resolve(
    specifier: &str,
    kind: ImportKind,
    from: &Path,
    scope: Option<&PackageJson>,
) -> Target {
    let Some(dir) = from.parent() else {
        return Target::External;
    };
    let without_query = specifier.split(['?', '#']).next().unwrap_or(specifier);
    if specifier.starts_with('#') {
        return scope
            .and_then(|scope| resolve_subpath_import(specifier, scope))
            .map_or(Target::External, file_target);
    }
    if let Some(path) = specifier.strip_prefix("file://") {
        return file_target(PathBuf::from(path));
    }
    let is_relative = ["./", "../", "/"]
        .iter()
        .any(|prefix| specifier.starts_with(prefix))
        || matches!(specifier, "." | "..");
    if !is_relative {
        return Target::External;
    }
    // An ECMAScript specifier is a URL: its query is not part of the file name.
    let path = normalize(&dir.join(if kind == ImportKind::Require {
        specifier
    } else {
        without_query
    }));
    if path.is_file() {
        return file_target(path);
    }
    if kind == ImportKind::Require
        && let Some(found) = resolve_commonjs(&path)
    {
        return file_target(found);
    }
    resolve_like_bundler(&path)
}

fn file_target(path: PathBuf) -> Target {
    if !path.is_file() {
        return Target::External;
    }
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("tsx" | "jsx") => Target::BundlerOnly(path, BundlerResolution::Jsx),
        Some("ts" | "mts" | "cts" | "js" | "mjs" | "cjs") if !in_node_modules(&path) => {
            Target::File(path.canonicalize().unwrap_or(path))
        }
        _ => Target::External,
    }
}

fn in_node_modules(path: &Path) -> bool {
    path.components()
        .any(|part| part.as_os_str() == "node_modules")
}

/// Removes `.` and `..` from a path, so that messages and keys have one form.
fn normalize(path: &Path) -> PathBuf {
    let mut normalized = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                normalized.pop();
            }
            other => normalized.push(other),
        }
    }
    normalized
}

/// The files that `require` tries for a path without extension. TypeScript is not among them.
fn resolve_commonjs(path: &Path) -> Option<PathBuf> {
    let with = |extension: &str| append(path, extension);
    [
        with(".js"),
        with(".json"),
        with(".node"),
        path.join("index.js"),
        path.join("index.json"),
    ]
    .into_iter()
    .find(|candidate| candidate.is_file())
}

fn append(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(extension);
    PathBuf::from(name)
}

/// Resolves a path as a bundler or tsx does.
fn resolve_like_bundler(path: &Path) -> Target {
    let replacements: &[(&str, &[&str])] = &[
        ("js", &["ts", "tsx"]),
        ("mjs", &["mts"]),
        ("cjs", &["cts"]),
        ("jsx", &["tsx"]),
    ];
    for (written, actual) in replacements {
        if path
            .extension()
            .is_some_and(|extension| extension == *written)
        {
            let existing = actual
                .iter()
                .map(|extension| path.with_extension(extension))
                .find(|p| p.is_file());
            if let Some(existing) = existing {
                return Target::BundlerOnly(existing, BundlerResolution::OtherExtension);
            }
        }
    }
    let extensions = [".ts", ".tsx", ".mts", ".cts", ".js", ".mjs", ".cjs"];
    let index = path.join("index");
    for base in [path, &index] {
        let candidates = extensions.iter().map(|extension| append(base, extension));
        if let Some(existing) = candidates.into_iter().find(|candidate| candidate.is_file()) {
            return Target::BundlerOnly(existing, BundlerResolution::Extension);
        }
    }
    Target::External
}

/// Resolves a `#name` by `imports` of `package.json`: plain strings, conditions, and one `*`.
fn resolve_subpath_import(specifier: &str, scope: &PackageJson) -> Option<PathBuf> {
    let map = scope.imports.as_object()?;
    let (target, star) = match map.get(specifier) {
        Some(target) => (target, ""),
        None => map
            .iter()
            .filter_map(|(pattern, target)| {
                let (head, tail) = pattern.split_once('*')?;
                let middle = specifier.strip_prefix(head)?.strip_suffix(tail)?;
                Some((head.len(), target, middle))
            })
            .max_by_key(|(length, ..)| *length)
            .map(|(_, target, middle)| (target, middle))?,
    };
    let target = matching_target(target)?;
    Some(normalize(&scope.dir().join(target.replace('*', star))))
        .filter(|_| target.starts_with("./"))
}

/// The first target with a condition that Node fulfills.
fn matching_target(target: &serde_json::Value) -> Option<&str> {
    match target {
        serde_json::Value::String(text) => Some(text),
        serde_json::Value::Array(list) => list.iter().find_map(matching_target),
        serde_json::Value::Object(map) => map
            .iter()
            .filter(|(name, _)| matches!(name.as_str(), "node" | "import" | "require" | "default"))
            .find_map(|(_, target)| matching_target(target)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn files_that_only_a_bundler_resolves_are_distinguished() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("lib/sub")).unwrap();
        fs::create_dir_all(root.join("node_modules/p")).unwrap();
        for name in [
            "lib/a.ts",
            "lib/b.js",
            "lib/sub/index.ts",
            "v.tsx",
            "node_modules/p/x.ts",
        ] {
            fs::write(root.join(name), "").unwrap();
        }
        let from = root.join("domain.ts");
        let target = |specifier: &str, kind| resolve(specifier, kind, &from, None);
        assert_eq!(
            target("./lib/a.ts", ImportKind::Static),
            Target::File(root.join("lib/a.ts"))
        );
        assert_eq!(
            target("./lib/a.ts?v=1", ImportKind::Dynamic),
            Target::File(root.join("lib/a.ts"))
        );
        assert_eq!(
            target("./lib/../lib/./b.js", ImportKind::Static),
            Target::File(root.join("lib/b.js"))
        );
        let by_extension = Target::BundlerOnly(root.join("lib/a.ts"), BundlerResolution::Extension);
        assert_eq!(target("./lib/a", ImportKind::Static), by_extension);
        assert_eq!(target("./lib/a", ImportKind::Require), by_extension);
        let other = Target::BundlerOnly(root.join("lib/a.ts"), BundlerResolution::OtherExtension);
        assert_eq!(target("./lib/a.js", ImportKind::Static), other);
        let index =
            Target::BundlerOnly(root.join("lib/sub/index.ts"), BundlerResolution::Extension);
        assert_eq!(target("./lib/sub", ImportKind::Static), index);
        assert_eq!(
            target("./lib/b", ImportKind::Require),
            Target::File(root.join("lib/b.js"))
        );
        assert_eq!(
            target("./v.tsx", ImportKind::Static),
            Target::BundlerOnly(root.join("v.tsx"), BundlerResolution::Jsx)
        );
        for external in [
            "node:fs",
            "p",
            "./gone.ts",
            "./node_modules/p/x.ts",
            "data:text/javascript,1",
        ] {
            assert_eq!(
                target(external, ImportKind::Static),
                Target::External,
                "{external}"
            );
        }
    }

    #[test]
    fn subpath_imports_of_a_package_are_resolved() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        fs::create_dir(root.join("lib")).unwrap();
        fs::write(root.join("lib/a.ts"), "").unwrap();
        let map = r##"{"imports":{"#a":{"types":"./no.ts","default":"./lib/a.ts"},"#lib/*":"./lib/*.ts"}}"##;
        fs::write(root.join("package.json"), map).unwrap();
        let scope = PackageJson::package_scope(&root).unwrap();
        for specifier in ["#a", "#lib/a"] {
            let target = resolve(
                specifier,
                ImportKind::Static,
                &root.join("d.ts"),
                scope.as_ref(),
            );
            assert_eq!(target, Target::File(root.join("lib/a.ts")), "{specifier}");
        }
        let missing = resolve(
            "#gone",
            ImportKind::Static,
            &root.join("d.ts"),
            scope.as_ref(),
        );
        assert_eq!(missing, Target::External);
    }
}
