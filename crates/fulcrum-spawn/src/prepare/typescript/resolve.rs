//! What a specifier names, as Node finds it, and what only a bundler would find.

use std::path::{Path, PathBuf};

use super::module_info::ImportKind;
use crate::prepare::package_json::PackageJson;

/// Where an import leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// A file that Node finds, to be followed.
    File(PathBuf),
    /// Nothing for the scan: a package, a built-in module, a URL, data, or nothing at all. If it is
    /// missing, Node says so, and a dynamic import may be meant to fail.
    External,
    /// A file that is there, but that Node doesn't find under this specifier.
    BundlerOnly(PathBuf, BundlerResolution),
}

/// What would have to be guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BundlerResolution {
    /// `./x` for `x.ts`.
    Extension,
    /// `./x.js` for `x.ts`.
    OtherExtension,
    /// `./x.tsx`: has to be compiled.
    Jsx,
}

/// Resolves a specifier of the file `from`.
pub(super) fn resolve(
    specifier: &str,
    via: ImportKind,
    from: &Path,
    scope: Option<&PackageJson>,
) -> Target {
    let Some(dir) = from.parent() else {
        return Target::External;
    };
    let bare = specifier.split(['?', '#']).next().unwrap_or(specifier);
    if specifier.starts_with('#') {
        return scope
            .and_then(|scope| import_map(specifier, scope))
            .map_or(Target::External, file);
    }
    if let Some(path) = specifier.strip_prefix("file://") {
        return file(PathBuf::from(path));
    }
    let relative = ["./", "../", "/"]
        .iter()
        .any(|prefix| specifier.starts_with(prefix))
        || matches!(specifier, "." | "..");
    if !relative {
        return Target::External;
    }
    // An ECMAScript specifier is a URL: a query isn't part of the file's name.
    let path = normal(&dir.join(if via == ImportKind::Require {
        specifier
    } else {
        bare
    }));
    if path.is_file() {
        return file(path);
    }
    if via == ImportKind::Require
        && let Some(found) = commonjs_guess(&path)
    {
        return file(found);
    }
    typescript_guess(&path)
}

fn file(path: PathBuf) -> Target {
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

/// `a/./b/../c` without its detours, so that messages and keys have one form.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

/// What `require` tries by itself: no TypeScript, as in a Node that strips types.
fn commonjs_guess(path: &Path) -> Option<PathBuf> {
    let with = |extension: &str| appended(path, extension);
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

fn appended(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(extension);
    PathBuf::from(name)
}

/// What a bundler or tsx would take for a specifier that Node doesn't find.
fn typescript_guess(path: &Path) -> Target {
    let swapped: &[(&str, &[&str])] = &[
        ("js", &["ts", "tsx"]),
        ("mjs", &["mts"]),
        ("cjs", &["cts"]),
        ("jsx", &["tsx"]),
    ];
    for (written, meant) in swapped {
        if path
            .extension()
            .is_some_and(|extension| extension == *written)
        {
            let there = meant
                .iter()
                .map(|meant| path.with_extension(meant))
                .find(|p| p.is_file());
            if let Some(there) = there {
                return Target::BundlerOnly(there, BundlerResolution::OtherExtension);
            }
        }
    }
    let extensions = [".ts", ".tsx", ".mts", ".cts", ".js", ".mjs", ".cjs"];
    let in_folder = path.join("index");
    for base in [path, &in_folder] {
        let there = extensions.iter().map(|extension| appended(base, extension));
        if let Some(there) = there.into_iter().find(|candidate| candidate.is_file()) {
            return Target::BundlerOnly(there, BundlerResolution::Extension);
        }
    }
    Target::External
}

/// A `#name` of package.json's `imports`: plain strings, conditions, and one `*`.
fn import_map(specifier: &str, scope: &PackageJson) -> Option<PathBuf> {
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
    let target = condition(target)?;
    Some(normal(&scope.dir().join(target.replace('*', star)))).filter(|_| target.starts_with("./"))
}

/// The first target whose condition holds for Node.
fn condition(target: &serde_json::Value) -> Option<&str> {
    match target {
        serde_json::Value::String(text) => Some(text),
        serde_json::Value::Array(list) => list.iter().find_map(condition),
        serde_json::Value::Object(map) => map
            .iter()
            .filter(|(name, _)| matches!(name.as_str(), "node" | "import" | "require" | "default"))
            .find_map(|(_, target)| condition(target)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn node_needs_the_extension_and_a_guess_is_told_from_a_gap() {
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
        let go = |specifier: &str, via| resolve(specifier, via, &from, None);
        assert_eq!(
            go("./lib/a.ts", ImportKind::Static),
            Target::File(root.join("lib/a.ts"))
        );
        assert_eq!(
            go("./lib/a.ts?v=1", ImportKind::Dynamic),
            Target::File(root.join("lib/a.ts"))
        );
        assert_eq!(
            go("./lib/../lib/./b.js", ImportKind::Static),
            Target::File(root.join("lib/b.js"))
        );
        let guessed = Target::BundlerOnly(root.join("lib/a.ts"), BundlerResolution::Extension);
        assert_eq!(go("./lib/a", ImportKind::Static), guessed);
        assert_eq!(go("./lib/a", ImportKind::Require), guessed);
        let other = Target::BundlerOnly(root.join("lib/a.ts"), BundlerResolution::OtherExtension);
        assert_eq!(go("./lib/a.js", ImportKind::Static), other);
        let index =
            Target::BundlerOnly(root.join("lib/sub/index.ts"), BundlerResolution::Extension);
        assert_eq!(go("./lib/sub", ImportKind::Static), index);
        assert_eq!(
            go("./lib/b", ImportKind::Require),
            Target::File(root.join("lib/b.js"))
        );
        assert_eq!(
            go("./v.tsx", ImportKind::Static),
            Target::BundlerOnly(root.join("v.tsx"), BundlerResolution::Jsx)
        );
        for elsewhere in [
            "node:fs",
            "p",
            "./gone.ts",
            "./node_modules/p/x.ts",
            "data:text/javascript,1",
        ] {
            assert_eq!(
                go(elsewhere, ImportKind::Static),
                Target::External,
                "{elsewhere}"
            );
        }
    }

    #[test]
    fn the_import_map_of_a_package_is_followed() {
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
        let gone = resolve(
            "#gone",
            ImportKind::Static,
            &root.join("d.ts"),
            scope.as_ref(),
        );
        assert_eq!(gone, Target::External);
    }
}
