//! Which packages a domain needs, and which of them are not in place.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use nodejs_semver::{Range, Version};
use serde_json::Value;

use super::pnp;
use crate::prepare::package_json::{PackageJson, find_package};

/// Packages that Fulcrum provides, so that no install is needed for them.
pub(in crate::prepare) const PROVIDED_PACKAGES: &[&str] = &["@fulcrum/domain", "fulcrum"];

/// The most packages that are looked at one by one.
const MAX_PACKAGES: usize = 5_000;

/// How closely installed packages are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rigor {
    /// Each package has a directory.
    Present,
    /// The versions satisfy `package.json`, and the packages that they need are there too.
    Complete,
}

/// The packages that are not in place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct MissingPackages {
    /// Those without which the domain does not run.
    pub(super) required: Vec<String>,
    /// Optional ones that the code imports: a package manager may leave them out.
    pub(super) optional: Vec<String>,
    /// One of `required` is listed in `devDependencies` only.
    pub(super) has_development: bool,
}

impl MissingPackages {
    /// The missing packages of `package`. `is_own` tells whether it is of the app; one of the
    /// repository around it counts only as far as the code imports its packages. `imported` finds out
    /// what the code imports, if that matters.
    pub(super) fn find(
        package: &PackageJson,
        root: &Path,
        is_own: bool,
        rigor: Rigor,
        imported: impl FnOnce() -> BTreeSet<String>,
    ) -> Self {
        let optional = &package.optional_dependencies.0;
        let is_missing = |name: &String| {
            !PROVIDED_PACKAGES.contains(&name.as_str()) && !is_in_place(name, package, root, rigor)
        };
        let mut missing = Self::default();
        let mut if_imported = Vec::new();
        for name in package
            .dependencies
            .0
            .keys()
            .filter(|name| is_missing(name))
        {
            // npm lists an optional package in both places.
            if is_own && !optional.contains_key(name) {
                missing.required.push(name.clone());
            } else {
                if_imported.push(name);
            }
        }
        let others = [
            &package.dev_dependencies.0,
            optional,
            &package.peer_dependencies.0,
        ];
        if_imported.extend(
            others
                .into_iter()
                .flat_map(|list| list.keys())
                .filter(|name| !package.dependencies.0.contains_key(*name) && is_missing(name)),
        );
        if if_imported.is_empty() {
            return missing;
        }
        let imported = imported();
        for name in if_imported {
            if !imported.contains(name) {
                continue;
            }
            if optional.contains_key(name) {
                missing.optional.push(name.clone());
            } else {
                missing.has_development |= !package.dependencies.0.contains_key(name);
                missing.required.push(name.clone());
            }
        }
        missing
    }

    /// The missing packages as one sentence; `None` if there are none.
    pub(super) fn describe(names: &[String]) -> Option<String> {
        match names {
            [] => None,
            [one] => Some(format!("{one} is not installed")),
            [first, others @ ..] => Some(format!(
                "{first} and {} more are not installed",
                others.len()
            )),
        }
    }
}

fn is_in_place(name: &str, package: &PackageJson, root: &Path, rigor: Rigor) -> bool {
    if pnp::is_used(root) {
        return pnp::is_in_place(root, name);
    }
    let Some(dir) = find_package(name, package.dir()) else {
        return false;
    };
    if rigor == Rigor::Present {
        return true;
    }
    let wanted = package.dependencies.0.get(name);
    let wanted = wanted.or_else(|| package.dev_dependencies.0.get(name));
    satisfies(&dir, wanted) && is_complete(dir)
}

/// Whether the installed version satisfies a range; one that is no range, such as a URL, does.
fn satisfies(dir: &Path, wanted: Option<&Value>) -> bool {
    let Some(range) = wanted
        .and_then(Value::as_str)
        .and_then(|text| Range::parse(text).ok())
    else {
        return true;
    };
    let installed = PackageJson::in_dir(dir).ok().flatten();
    installed.is_some_and(|package| {
        let version = package
            .version
            .as_str()
            .and_then(|text| Version::parse(text).ok());
        version.is_none_or(|version| range.satisfies(&version))
    })
}

/// Whether a package and all that it needs have a readable `package.json`.
fn is_complete(dir: PathBuf) -> bool {
    let mut seen = BTreeSet::new();
    let mut next = vec![dir];
    while let Some(dir) = next.pop() {
        // A package's own packages are beside its real directory.
        let Ok(dir) = dir.canonicalize() else {
            return false;
        };
        if seen.len() > MAX_PACKAGES || !seen.insert(dir.clone()) {
            continue;
        }
        let Ok(Some(package)) = PackageJson::in_dir(&dir) else {
            return false;
        };
        let optional = &package.optional_dependencies.0;
        for name in package.dependencies.0.keys() {
            match find_package(name, &dir) {
                Some(found) => next.push(found),
                None if optional.contains_key(name) => {}
                None => return false,
            }
        }
    }
    true
}
