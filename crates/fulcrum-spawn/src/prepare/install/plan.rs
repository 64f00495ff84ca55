//! Whether packages have to be installed before a domain can start.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use globset::GlobBuilder;
use serde_json::Value;

use super::manager::{LOCK_FILES, PackageManager};
use super::marker;
use crate::prepare::executable::find_in_path;
use crate::prepare::files::{ancestors_until, display_relative};
use crate::prepare::package_json::{PackageJson, find_package};
use crate::prepare::warning::StartWarning;
use crate::{CommandSpec, StartError};

/// Packages that Fulcrum provides, so that no install is needed for them.
const PROVIDED_PACKAGES: &[&str] = &["@fulcrum/domain", "fulcrum"];

/// An install that has to run before a domain can start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstallPlan {
    /// The directory in which the package manager runs: that of the lock file or the workspace root,
    /// else of `package.json`. Domains with the same root need one install.
    pub root: PathBuf,
    /// The package manager.
    pub manager: PackageManager,
    /// The command of a non-interactive install; its environment is Fulcrum's own with `CI=1`.
    pub command: CommandSpec,
    /// Why it is needed, such as `left-pad is not installed`.
    pub reason: String,
    /// Warnings about the packages.
    pub warnings: Vec<StartWarning>,
}

impl InstallPlan {
    /// Marks the install as started: until [`complete`](Self::complete) it counts as interrupted.
    ///
    /// # Errors
    /// The install root cannot be written, so the install would fail as well.
    pub fn mark_started(&self) -> io::Result<()> {
        marker::start(&self.root)
    }

    /// Marks the install as completed, with the hash of `package.json` and lock file.
    ///
    /// # Errors
    /// The install root cannot be written.
    pub fn complete(&self) -> io::Result<()> {
        marker::complete(&self.root)
    }
}

/// Plans the install that a domain needs before it can start; `None` if it needs none.
///
/// It needs one if the nearest `package.json` (from its directory upward to the app root) has a
/// dependency that is not installed, or if an install by Fulcrum was interrupted or was for another
/// `package.json` or lock file. A `node_modules` that the user installed is up to date when every
/// dependency has a directory. `path` is the value of `PATH`, for the package manager.
///
/// # Errors
/// Permanent failures: a `package.json` cannot be read, or the package manager is not in `path`.
pub fn plan_install(
    domain_dir: &Path,
    app_root: &Path,
    path: &OsStr,
) -> Result<Option<InstallPlan>, StartError> {
    let Some(package) = PackageJson::nearest(domain_dir, app_root)? else {
        return Ok(None);
    };
    let required: Vec<&String> = package
        .dependencies
        .0
        .keys()
        .filter(|name| !PROVIDED_PACKAGES.contains(&name.as_str()))
        .collect();
    if required.is_empty() {
        return Ok(None);
    }
    let (root, root_package) = install_root(&package, app_root)?;
    let Some(reason) = install_reason(&root, package.dir(), &required) else {
        return Ok(None);
    };
    let manager = PackageManager::detect(&root, &root_package);
    let program = find_in_path(manager.program().as_ref(), path).ok_or_else(|| {
        StartError::permanent(format!(
            "{}: {reason}, and {manager} is not found in PATH={}",
            display_relative(&package.path, app_root),
            path.to_string_lossy()
        ))
        .hint(manager.install_hint())
    })?;
    let arguments = manager.arguments(&root, &root_package);
    let runner = format!(
        "{manager} {} in {}",
        arguments[0],
        display_root(&root, app_root)
    );
    let command = CommandSpec {
        program,
        args: arguments.iter().map(OsString::from).collect(),
        cwd: root.clone(),
        env: environment(path),
        runner,
    };
    let warnings = provided_package_warning(&package, manager)
        .into_iter()
        .collect();
    Ok(Some(InstallPlan {
        root,
        manager,
        command,
        reason,
        warnings,
    }))
}

fn display_root(root: &Path, app_root: &Path) -> String {
    if root == app_root {
        "the app root".to_owned()
    } else {
        display_relative(root, app_root).to_string()
    }
}

/// The directory in which the package manager has to run for this package: its own if it has a lock
/// file, else the nearest one upward whose workspaces include it, else its own.
fn install_root(
    package: &PackageJson,
    app_root: &Path,
) -> Result<(PathBuf, PackageJson), StartError> {
    for dir in ancestors_until(package.dir(), app_root) {
        let is_package_dir = dir == package.dir();
        let is_locked = LOCK_FILES.iter().any(|(name, _)| dir.join(name).is_file());
        if is_package_dir && is_locked {
            break;
        }
        if is_package_dir {
            continue;
        }
        let Some(root_package) = PackageJson::in_dir(dir)? else {
            continue;
        };
        let patterns = workspace_patterns(dir, &root_package);
        if patterns
            .iter()
            .any(|pattern| matches(pattern, package.dir().strip_prefix(dir).ok()))
        {
            return Ok((dir.to_path_buf(), root_package));
        }
    }
    Ok((package.dir().to_path_buf(), package.clone()))
}

/// The workspace patterns of a directory: those of npm and Yarn, and those of pnpm.
fn workspace_patterns(dir: &Path, package: &PackageJson) -> Vec<String> {
    let list = match &package.workspaces {
        Value::Object(map) => map.get("packages"),
        other => Some(other),
    };
    let texts = list
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    let mut patterns: Vec<String> = texts.map(str::to_owned).collect();
    // Only the plain form is read: a list with one pattern a line.
    if let Ok(text) = fs::read_to_string(dir.join("pnpm-workspace.yaml")) {
        let listed = text
            .lines()
            .skip_while(|line| line.trim_end() != "packages:")
            .skip(1)
            .take_while(|line| line.trim().is_empty() || line.trim_start().starts_with(['-', '#']))
            .filter_map(|line| line.trim().strip_prefix('-'))
            .map(|item| item.trim().trim_matches(['"', '\'']).to_owned());
        patterns.extend(listed);
    }
    patterns
}

/// Whether a workspace pattern matches a directory: `*` is one name, `**` any number of them.
fn matches(pattern: &str, dir: Option<&Path>) -> bool {
    let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
    let glob = GlobBuilder::new(pattern).literal_separator(true).build();
    glob.is_ok_and(|glob| dir.is_some_and(|dir| glob.compile_matcher().is_match(dir)))
}

/// Why an install is needed; `None` if it is not.
fn install_reason(root: &Path, package_dir: &Path, required: &[&String]) -> Option<String> {
    if marker::is_incomplete(root) {
        return Some("the previous install was interrupted".to_owned());
    }
    if root.join(".pnp.cjs").is_file() {
        // Yarn's Plug'n'Play installs no package directories.
        return None;
    }
    let missing: Vec<&str> = required
        .iter()
        .filter(|name| find_package(name, package_dir).is_none())
        .map(|name| name.as_str())
        .collect();
    match missing[..] {
        [] if marker::installed_by_fulcrum(root) && !marker::is_current(root) => {
            Some("package.json or its lock file has changed since the last install".to_owned())
        }
        [] => None,
        [one] => Some(format!("{one} is not installed")),
        [first, ..] => Some(format!(
            "{first} and {} more are not installed",
            missing.len() - 1
        )),
    }
}

/// Fulcrum's own environment: package managers need the home directory, proxies, registries and
/// credentials of the user. Variables that an enclosing `npm run` has set for its scripts are left
/// out.
fn environment(path: &OsStr) -> BTreeMap<OsString, OsString> {
    let mut env: BTreeMap<OsString, OsString> = std::env::vars_os()
        .filter(|(name, _)| {
            let name = name.to_string_lossy();
            let is_npm_script_variable =
                name.starts_with("npm_") && !name.starts_with("npm_config_");
            !is_npm_script_variable
                && !name.starts_with("FULCRUM_")
                && name != "INIT_CWD"
                && name != "NODE_OPTIONS"
        })
        .collect();
    for (name, value) in [
        ("CI", "1"),
        ("npm_config_update_notifier", "false"),
        ("COREPACK_ENABLE_DOWNLOAD_PROMPT", "0"),
    ] {
        env.insert(name.into(), value.into());
    }
    env.insert("PATH".into(), path.to_owned());
    env
}

/// The warning about a listed package that Fulcrum provides: the package manager downloads it.
fn provided_package_warning(
    package: &PackageJson,
    manager: PackageManager,
) -> Option<StartWarning> {
    let listed = PROVIDED_PACKAGES.iter().find(|name| {
        let version = package.dependencies.0.get(**name).and_then(Value::as_str);
        version.is_some_and(|version| {
            !version.starts_with("file:")
                && !version.starts_with("link:")
                && !version.starts_with("workspace:")
        })
    })?;
    Some(StartWarning::new(format!(
        "{}: {listed} is provided by Fulcrum, but listed in \"dependencies\", so {manager} downloads \
         it from the registry, which fails if it is not published: remove it from the list",
        package.path.display()
    )))
}
