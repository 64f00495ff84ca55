//! Whether packages have to be installed before a domain can start.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::manager::{LOCK_FILES, PackageManager};
use super::marker;
use crate::prepare::executable;
use crate::prepare::files::{ancestors_until, display_relative};
use crate::prepare::package_json::{PackageJson, find_package};
use crate::prepare::warning::StartWarning;
use crate::{CommandSpec, StartError};

/// Packages that Fulcrum provides itself.
const PROVIDED_PACKAGES: &[&str] = &["@fulcrum/domain", "fulcrum"];

/// An install that has to run before a domain can start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstallPlan {
    /// The folder that is installed: of the lock file or the workspaces, else of `package.json`.
    /// Domains that share it need it once.
    pub root: PathBuf,
    /// Who installs.
    pub manager: PackageManager,
    /// How. It asks nothing; its environment is Fulcrum's own with `CI=1` and this `PATH`.
    pub command: CommandSpec,
    /// Why it is needed, such as `left-pad isn't installed`.
    pub reason: String,
    /// What a person should know about it.
    pub notices: Vec<StartWarning>,
}

impl InstallPlan {
    /// Notes that the install begins: until [`complete`](Self::complete) it counts as cut short.
    ///
    /// # Errors
    /// If the install root can't be written; the install couldn't either.
    pub fn mark_started(&self) -> io::Result<()> {
        marker::begin(&self.root)
    }

    /// Notes that the install ended well, with the hash of `package.json` and lock file.
    ///
    /// # Errors
    /// If the install root can't be written.
    pub fn complete(&self) -> io::Result<()> {
        marker::complete(&self.root)
    }
}

/// Says which install a domain needs before it can start, if any.
///
/// It needs one if the nearest `package.json` (from its folder upward to the app root) has
/// dependencies of which one isn't there, or if an install by Fulcrum was cut short, or was done
/// for another `package.json` or lock file. A `node_modules` that the user made is trusted when
/// every dependency has its folder.
///
/// # Errors
/// Permanent failures: a `package.json` that can't be read, a package manager that isn't in `path`.
pub fn plan_install(
    domain_dir: &Path,
    app_root: &Path,
    path: &OsStr,
) -> Result<Option<InstallPlan>, StartError> {
    let Some(package) = PackageJson::nearest(domain_dir, app_root)? else {
        return Ok(None);
    };
    let wanted: Vec<&String> = package
        .dependencies
        .0
        .keys()
        .filter(|name| !PROVIDED_PACKAGES.contains(&name.as_str()))
        .collect();
    if wanted.is_empty() {
        return Ok(None);
    }
    let (root, root_package) = install_root(&package, app_root)?;
    let Some(reason) = reason(&root, package.dir(), &wanted) else {
        return Ok(None);
    };
    let manager = PackageManager::detect(&root, &root_package);
    let program = executable::find_in_path(manager.program().as_ref(), path).ok_or_else(|| {
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
        folder_name(&root, app_root)
    );
    let command = CommandSpec {
        program,
        args: arguments.iter().map(OsString::from).collect(),
        cwd: root.clone(),
        env: environment(path),
        runner,
    };
    let notices = provided_notice(&package, manager).into_iter().collect();
    Ok(Some(InstallPlan {
        root,
        manager,
        command,
        reason,
        notices,
    }))
}

fn folder_name(root: &Path, app_root: &Path) -> String {
    if root == app_root {
        "the app's root".to_owned()
    } else {
        display_relative(root, app_root).to_string()
    }
}

/// The folder in which the manager has to be run for this package: the nearest one upward with a
/// lock file or with workspaces that take the package in; else its own.
fn install_root(
    package: &PackageJson,
    app_root: &Path,
) -> Result<(PathBuf, PackageJson), StartError> {
    for dir in ancestors_until(package.dir(), app_root) {
        let own = dir == package.dir();
        let locked = LOCK_FILES.iter().any(|(name, _)| dir.join(name).is_file());
        if own && locked {
            break;
        }
        if own {
            continue;
        }
        let Some(above) = PackageJson::in_dir(dir)? else {
            continue;
        };
        let members = members(dir, &above);
        if members
            .iter()
            .any(|pattern| matches(pattern, package.dir().strip_prefix(dir).ok()))
        {
            return Ok((dir.to_path_buf(), above));
        }
    }
    Ok((package.dir().to_path_buf(), package.clone()))
}

/// The patterns of a workspace root, of npm and yarn or of pnpm.
fn members(dir: &Path, package: &PackageJson) -> Vec<String> {
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
    // Of this file only the plain list of patterns is of interest, one a line.
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

/// Whether a workspace pattern takes in a folder: `*` is one name, `**` any number.
fn matches(pattern: &str, folder: Option<&Path>) -> bool {
    fn go(pattern: &[&str], names: &[&str]) -> bool {
        match (pattern.split_first(), names.split_first()) {
            (None, None) => true,
            (Some((&"**", rest)), _) => {
                go(rest, names)
                    || names
                        .split_first()
                        .is_some_and(|(_, names)| go(pattern, names))
            }
            (Some((part, rest)), Some((name, names))) => {
                name_matches(part, name) && go(rest, names)
            }
            _ => false,
        }
    }
    let Some(folder) = folder.and_then(Path::to_str) else {
        return false;
    };
    let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
    let (parts, names): (Vec<&str>, Vec<&str>) =
        (pattern.split('/').collect(), folder.split('/').collect());
    go(&parts, &names)
}

fn name_matches(part: &str, name: &str) -> bool {
    match part.split_once('*') {
        None => part == name,
        Some((head, tail)) => {
            name.len() >= head.len() + tail.len() && name.starts_with(head) && name.ends_with(tail)
        }
    }
}

fn reason(root: &Path, package_dir: &Path, wanted: &[&String]) -> Option<String> {
    if marker::is_incomplete(root) {
        return Some("an earlier install was cut short".to_owned());
    }
    if root.join(".pnp.cjs").is_file() {
        // Yarn's plug'n'play has no folders to look for.
        return None;
    }
    let missing: Vec<&str> = wanted
        .iter()
        .filter(|name| find_package(name, package_dir).is_none())
        .map(|name| name.as_str())
        .collect();
    match missing[..] {
        [] if marker::installed_by_fulcrum(root) && !marker::is_current(root) => {
            Some("package.json or its lock file has changed since the last install".to_owned())
        }
        [] => None,
        [one] => Some(format!("{one} isn't installed")),
        [first, ..] => Some(format!(
            "{first} and {} more aren't installed",
            missing.len() - 1
        )),
    }
}

/// Fulcrum's own environment: managers need the home folder, proxies, registries and credentials
/// of the user. What an `npm run` around us has set for its own scripts is left out.
fn environment(path: &OsStr) -> BTreeMap<OsString, OsString> {
    let mut env: BTreeMap<OsString, OsString> = std::env::vars_os()
        .filter(|(name, _)| {
            let name = name.to_string_lossy();
            let of_npm = name.starts_with("npm_") && !name.starts_with("npm_config_");
            !of_npm && !name.starts_with("FULCRUM_") && name != "INIT_CWD" && name != "NODE_OPTIONS"
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

/// A manager fetches from the registry whatever is listed; it knows nothing of what Fulcrum
/// provides.
fn provided_notice(package: &PackageJson, manager: PackageManager) -> Option<StartWarning> {
    let listed = PROVIDED_PACKAGES.iter().find(|name| {
        let version = package.dependencies.0.get(**name).and_then(Value::as_str);
        version.is_some_and(|version| {
            !version.starts_with("file:")
                && !version.starts_with("link:")
                && !version.starts_with("workspace:")
        })
    })?;
    Some(StartWarning::new(format!(
        "{}: {listed} is provided by Fulcrum; listed in \"dependencies\" it is fetched from the \
         registry by {manager}, which fails if it isn't there: it can be left out",
        package.path.display()
    )))
}
