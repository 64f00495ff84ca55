//! Which package manager an install root uses, and the arguments of a non-interactive install.

use std::fmt;
use std::path::Path;

use crate::prepare::package_json::PackageJson;

/// A package manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackageManager {
    /// npm: `package-lock.json`, `npm-shrinkwrap.json`, or no lock file at all.
    Npm,
    /// pnpm: `pnpm-lock.yaml`.
    Pnpm,
    /// Yarn, classic or berry: `yarn.lock`.
    Yarn,
}

impl fmt::Display for PackageManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.program())
    }
}

/// The lock files, with the package manager that writes them.
pub(super) const LOCK_FILES: &[(&str, PackageManager)] = &[
    ("package-lock.json", PackageManager::Npm),
    ("npm-shrinkwrap.json", PackageManager::Npm),
    ("pnpm-lock.yaml", PackageManager::Pnpm),
    ("yarn.lock", PackageManager::Yarn),
];

impl PackageManager {
    /// The program's name.
    #[must_use]
    pub fn program(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Pnpm => "pnpm",
            Self::Yarn => "yarn",
        }
    }

    /// How to install the package manager itself.
    pub(super) fn install_hint(self) -> &'static str {
        match self {
            Self::Npm => {
                "npm is part of Node: install Node with npm, or add npm's directory to PATH"
            }
            Self::Pnpm => "install it with `npm install --global pnpm`, or `corepack enable`",
            Self::Yarn => "install it with `npm install --global yarn`, or `corepack enable`",
        }
    }

    /// The package manager of `root`: by the `packageManager` field, else the lock file, else npm.
    pub(super) fn detect(root: &Path, package: &PackageJson) -> Self {
        let named = package
            .package_manager
            .as_str()
            .and_then(|text| text.split('@').next());
        match named {
            Some("npm") => return Self::Npm,
            Some("pnpm") => return Self::Pnpm,
            Some("yarn") => return Self::Yarn,
            _ => {}
        }
        let lock = LOCK_FILES
            .iter()
            .find(|(name, _)| root.join(name).is_file());
        lock.map_or(Self::Npm, |(_, manager)| *manager)
    }

    /// The lock file of this package manager in `root`.
    pub(super) fn lock(self, root: &Path) -> Option<&'static str> {
        let mut names = LOCK_FILES
            .iter()
            .filter(|(_, manager)| *manager == self)
            .map(|(name, _)| *name);
        names.find(|name| root.join(name).is_file())
    }

    /// The arguments of a non-interactive install that does not change the lock file.
    pub(super) fn arguments(self, root: &Path, package: &PackageJson) -> Vec<&'static str> {
        let locked = self.lock(root).is_some();
        match self {
            Self::Npm => {
                let verb = if locked { "ci" } else { "install" };
                vec![verb, "--no-audit", "--no-fund", "--no-progress"]
            }
            Self::Pnpm if locked => vec!["install", "--frozen-lockfile"],
            Self::Pnpm => vec!["install"],
            Self::Yarn if is_berry(root, package) && locked => vec!["install", "--immutable"],
            Self::Yarn if is_berry(root, package) => vec!["install"],
            Self::Yarn if locked => vec!["install", "--frozen-lockfile", "--non-interactive"],
            Self::Yarn => vec!["install", "--non-interactive"],
        }
    }
}

/// Whether this is Yarn 2 or later, whose flags differ from those of Yarn 1.
fn is_berry(root: &Path, package: &PackageJson) -> bool {
    let named = package
        .package_manager
        .as_str()
        .and_then(|text| text.strip_prefix("yarn@"));
    match named.and_then(|version| version.chars().next()) {
        Some('0' | '1') => false,
        Some(_) => true,
        None => root.join(".yarnrc.yml").is_file(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn detect(files: &[&str], manifest: &str) -> (PackageManager, Vec<&'static str>) {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("package.json"), manifest).unwrap();
        files
            .iter()
            .for_each(|name| fs::write(dir.path().join(name), "").unwrap());
        let package = PackageJson::in_dir(dir.path()).unwrap().unwrap();
        let manager = PackageManager::detect(dir.path(), &package);
        (manager, manager.arguments(dir.path(), &package))
    }

    #[test]
    fn the_field_takes_precedence_over_the_lock_file() {
        assert_eq!(detect(&[], "{}").1[0], "install");
        assert_eq!(detect(&["package-lock.json"], "{}").1[0], "ci");
        assert_eq!(detect(&["npm-shrinkwrap.json"], "{}").1[0], "ci");
        let pnpm = (PackageManager::Pnpm, vec!["install", "--frozen-lockfile"]);
        assert_eq!(detect(&["pnpm-lock.yaml"], "{}"), pnpm);
        let field = r#"{"packageManager":"pnpm@9.0.0"}"#;
        assert_eq!(
            detect(&["package-lock.json"], field),
            (PackageManager::Pnpm, vec!["install"])
        );
        assert!(
            detect(&["yarn.lock"], "{}")
                .1
                .contains(&"--frozen-lockfile")
        );
        assert!(
            detect(&["yarn.lock", ".yarnrc.yml"], "{}")
                .1
                .contains(&"--immutable")
        );
        let berry = r#"{"packageManager":"yarn@4.1.0"}"#;
        assert!(detect(&["yarn.lock"], berry).1.contains(&"--immutable"));
    }
}
