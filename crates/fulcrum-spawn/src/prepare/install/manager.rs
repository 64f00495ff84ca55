//! Package managers, their lock files, and the arguments of a non-interactive install.

use std::fmt;
use std::path::Path;

/// A package manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackageManager {
    /// npm: `package-lock.json`, `npm-shrinkwrap.json`, or no lock file at all.
    Npm,
    /// pnpm: `pnpm-lock.yaml`, `pnpm-workspace.yaml`.
    Pnpm,
    /// Yarn 1: a `yarn.lock` that says `yarn lockfile v1`.
    YarnClassic,
    /// Yarn 2 or later: a `yarn.lock` with `__metadata`, `.yarnrc.yml`.
    YarnBerry,
    /// Bun: `bun.lock`, `bun.lockb`.
    Bun,
    /// Deno: `deno.lock`.
    Deno,
}

impl fmt::Display for PackageManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.program())
    }
}

/// The names of all lock files.
pub(super) const LOCK_FILES: [&str; 7] = [
    "pnpm-lock.yaml",
    YARN_LOCK,
    "bun.lock",
    "bun.lockb",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "deno.lock",
];

/// The lock file that both generations of Yarn write, each in a format of its own.
pub(super) const YARN_LOCK: &str = "yarn.lock";

/// How an install root differs from a plain package.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct InstallMode {
    /// There is a lock file of this package manager, which the install does not change.
    pub(super) is_locked: bool,
    /// A workspace above the root does not include it, so that it is installed by itself.
    pub(super) is_outside_workspace: bool,
}

impl PackageManager {
    /// The program's name.
    #[must_use]
    pub fn program(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Pnpm => "pnpm",
            Self::YarnClassic | Self::YarnBerry => "yarn",
            Self::Bun => "bun",
            Self::Deno => "deno",
        }
    }

    /// How to install the package manager itself. `version` is the one that the app asks for.
    pub(super) fn install_hint(self, version: Option<&str>) -> String {
        let exact = |name: &str, default: &str| {
            let version = version.unwrap_or(default);
            format!("install it with `npm install --global {name}@{version}`")
        };
        match self {
            Self::Npm => {
                "npm is part of Node: install Node with npm, or add npm's directory to PATH"
                    .to_owned()
            }
            Self::Pnpm => exact("pnpm", "latest"),
            Self::YarnClassic => exact("yarn", "1"),
            Self::YarnBerry => exact("@yarnpkg/cli-dist", "latest"),
            Self::Bun => exact("bun", "latest"),
            Self::Deno => exact("deno", "latest"),
        }
    }

    /// The package manager of this name and version, as `packageManager` names it.
    pub(super) fn named(name: &str, version: Option<&str>) -> Option<Self> {
        Some(match name {
            "npm" => Self::Npm,
            "pnpm" => Self::Pnpm,
            "yarn" if is_classic(version?) => Self::YarnClassic,
            "yarn" => Self::YarnBerry,
            "bun" => Self::Bun,
            "deno" => Self::Deno,
            _ => return None,
        })
    }

    /// The package manager that writes this lock file. A `yarn.lock` is decided by its text.
    pub(super) fn of_lock(path: &Path) -> Option<Self> {
        match path.file_name()?.to_str()? {
            "package-lock.json" | "npm-shrinkwrap.json" => Some(Self::Npm),
            "pnpm-lock.yaml" => Some(Self::Pnpm),
            YARN_LOCK => yarn_of_lock(path),
            "bun.lock" | "bun.lockb" => Some(Self::Bun),
            "deno.lock" => Some(Self::Deno),
            _ => None,
        }
    }

    /// The lock file of this package manager in `root`.
    pub(super) fn lock(self, root: &Path) -> Option<&'static str> {
        LOCK_FILES.into_iter().find(|name| {
            let path = root.join(name);
            let is_yarn = matches!(self, Self::YarnClassic | Self::YarnBerry) && *name == YARN_LOCK;
            path.is_file() && (is_yarn || Self::of_lock(&path) == Some(self))
        })
    }

    /// The arguments of a non-interactive install that does not change the lock file.
    pub(super) fn arguments(self, mode: InstallMode) -> Vec<&'static str> {
        let mut arguments = match (self, mode.is_locked) {
            (Self::Npm, true) => vec!["ci", "--no-audit", "--no-fund", "--no-progress"],
            (Self::Npm, false) => vec!["install", "--no-audit", "--no-fund", "--no-progress"],
            (Self::YarnClassic, true) => {
                vec!["install", "--frozen-lockfile", "--non-interactive"]
            }
            (Self::YarnClassic, false) => vec!["install", "--non-interactive"],
            (Self::YarnBerry, true) => vec!["install", "--immutable"],
            (Self::Pnpm | Self::Bun, true) => vec!["install", "--frozen-lockfile"],
            (Self::Deno, true) => vec!["install", "--frozen"],
            // With CI set, Yarn does not write a new lock file unless it is told to.
            (Self::YarnBerry, false) => vec!["install", "--no-immutable"],
            (Self::Pnpm | Self::Bun | Self::Deno, false) => vec!["install"],
        };
        if self == Self::Pnpm && mode.is_outside_workspace {
            arguments.push("--ignore-workspace");
        }
        arguments
    }
}

/// Whether a version or a range of Yarn means Yarn 1.
pub(super) fn is_classic(version: &str) -> bool {
    let digits = version.trim_start_matches(|c: char| !c.is_ascii_digit());
    let major = digits.split(|c: char| !c.is_ascii_digit()).next();
    matches!(major, Some("0" | "1"))
}

/// The Yarn that wrote a lock file; `None` if its text does not tell, such as an empty one.
fn yarn_of_lock(path: &Path) -> Option<PackageManager> {
    let text = std::fs::read_to_string(path).ok()?;
    if text.lines().any(|line| line.starts_with("__metadata:")) {
        Some(PackageManager::YarnBerry)
    } else if text.contains("# yarn lockfile v1") {
        Some(PackageManager::YarnClassic)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_yarn_1_are_told_from_later_ones() {
        for version in ["1.22.22", "^1.22.0", "1", "~1.2"] {
            assert!(is_classic(version), "{version}");
        }
        for version in ["4.18.1", "^4", ">=2", "10.0.0", "berry", "stable"] {
            assert!(!is_classic(version), "{version}");
        }
    }

    #[test]
    fn a_locked_install_does_not_change_the_lock_file() {
        let mode = InstallMode {
            is_locked: true,
            is_outside_workspace: false,
        };
        for (manager, flag) in [
            (PackageManager::Npm, "ci"),
            (PackageManager::Pnpm, "--frozen-lockfile"),
            (PackageManager::YarnClassic, "--frozen-lockfile"),
            (PackageManager::YarnBerry, "--immutable"),
            (PackageManager::Bun, "--frozen-lockfile"),
            (PackageManager::Deno, "--frozen"),
        ] {
            assert!(manager.arguments(mode).contains(&flag), "{manager:?}");
        }
    }

    #[test]
    fn a_package_outside_of_a_pnpm_workspace_is_installed_by_itself() {
        let mode = InstallMode {
            is_locked: false,
            is_outside_workspace: true,
        };
        assert_eq!(
            PackageManager::Pnpm.arguments(mode),
            ["install", "--ignore-workspace"]
        );
        assert_eq!(PackageManager::Bun.arguments(mode), ["install"]);
    }
}
