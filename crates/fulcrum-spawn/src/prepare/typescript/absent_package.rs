//! Packages that a static import needs and that nothing can provide, found before a running
//! generation is stopped.

use std::path::Path;

use super::imported_packages::package_name;
use crate::prepare::install::PROVIDED_PACKAGES;
use crate::prepare::package_json::PackageJson;

/// The tables of Yarn's Plug'n'Play, with which there is no `node_modules`.
const TABLES: [&str; 2] = [".pnp.cjs", ".pnp.loader.mjs"];

/// The package of a specifier that a file in `dir` imports, if it is neither installed nor listed in a
/// `package.json`, from which it would be installed at the next start. In doubt `None`: the file itself
/// may be in the package, or a table may say where it is.
pub(super) fn absent_package<'a>(dir: &Path, specifier: &'a str) -> Option<&'a str> {
    let name = package_name(specifier)?;
    if PROVIDED_PACKAGES.contains(&name) {
        return None;
    }
    let may_be_found = |dir: &Path| {
        let is_there = dir.join("node_modules").join(name).exists();
        let is_in_table = TABLES.iter().any(|table| dir.join(table).exists());
        // A broken one is told elsewhere.
        is_there
            || is_in_table
            || PackageJson::in_dir(dir).is_ok_and(|it| it.is_some_and(|it| it.mentions(name)))
    };
    (!dir.ancestors().any(may_be_found)).then_some(name)
}

impl PackageJson {
    /// Whether it is the package of this name, or lists it.
    fn mentions(&self, name: &str) -> bool {
        let lists = [
            &self.dependencies.0,
            &self.dev_dependencies.0,
            &self.optional_dependencies.0,
            &self.peer_dependencies.0,
        ];
        self.name == name || lists.into_iter().any(|list| list.contains_key(name))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_package_is_absent_if_nothing_can_provide_it() {
        let root = tempfile::tempdir().expect("a directory");
        let dir = root.path().join("app/src");
        fs::create_dir_all(dir.join("deep")).expect("directories");
        let absent = |specifier| absent_package(&dir, specifier);
        assert_eq!(absent("left-pad/lib/a.js"), Some("left-pad"));
        assert_eq!(absent("@scope/name"), Some("@scope/name"));
        for other in [
            "./left-pad",
            "node:fs",
            "#lib",
            "@fulcrum/domain",
            "https://x/y.js",
        ] {
            assert_eq!(absent(other), None, "{other}");
        }
        let package = root.path().join("app/package.json");
        for text in [
            r#"{"dependencies": {"left-pad": "1"}}"#,
            r#"{"devDependencies": {"left-pad": "1"}}"#,
            r#"{"name": "left-pad"}"#,
        ] {
            fs::write(&package, text).expect("written");
            assert_eq!(absent("left-pad"), None, "{text}");
            assert_eq!(absent("right-pad"), Some("right-pad"), "{text}");
        }
        fs::create_dir_all(root.path().join("node_modules/right-pad")).expect("directories");
        assert_eq!(absent("right-pad"), None);
        fs::write(root.path().join(".pnp.cjs"), "").expect("written");
        assert_eq!(absent("other"), None);
    }
}
