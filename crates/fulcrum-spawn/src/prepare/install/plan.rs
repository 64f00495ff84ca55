//! Whether packages have to be installed before a domain can start, where, and with what.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::manager::{InstallMode, PackageManager, is_classic};
use super::marker::InstallMarker;
use super::needed::{MissingPackages, PROVIDED_PACKAGES, Rigor};
use super::root::{InstallRoot, YamlReader, find_install_root, find_package_json};
use crate::prepare::context::PrepareContext;
use crate::prepare::executable::find_in_path;
use crate::prepare::files::display_relative;
use crate::prepare::node::find::{NodeRequest, find_node};
use crate::prepare::node::path::path_with_node;
use crate::prepare::package_json::PackageJson;
use crate::prepare::query::capture_stdout;
use crate::prepare::typescript::imported_packages::imported_packages;
use crate::prepare::warning::StartWarning;
use crate::{CommandSpec, StartError};

/// How long a Yarn may take to print its version. Its shims may download it first.
const VERSION_TIMEOUT: Duration = Duration::from_secs(60);

/// A domain whose packages are looked at. Paths are absolute.
#[derive(Debug, Clone)]
pub struct PackageQuery {
    /// The domain's directory.
    pub dir: PathBuf,
    /// The root of the app.
    pub app_root: PathBuf,
    /// The domain's entry point, whose imports count.
    pub entry: Option<PathBuf>,
    /// The value of `PATH`, in which the package manager and Node are looked up.
    pub path: OsString,
    /// The home directory, in which version managers install.
    pub home: Option<PathBuf>,
    /// `process.node`.
    pub node: Option<PathBuf>,
    /// Whether Node runs the domain, so that packages are installed with its Node.
    pub runs_node: bool,
    /// Reads YAML files of package managers.
    pub yaml: YamlReader,
}

/// An install that has to run before a domain can start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstallPlan {
    /// The directory in which the package manager runs: that of the workspace root or of the lock
    /// file, else of `package.json`. Domains with the same root need one install.
    pub root: PathBuf,
    /// The package manager.
    pub manager: PackageManager,
    /// The command of a non-interactive install; its environment is Fulcrum's own with `CI=1`, and
    /// `node` in its `PATH` is the Node of the domain.
    pub command: CommandSpec,
    /// Why it is needed, such as `left-pad is not installed`.
    pub reason: String,
    /// Warnings about the packages.
    pub warnings: Vec<StartWarning>,
    pub(super) marker: InstallMarker,
    /// What the domain lacks.
    pub(super) missing: MissingPackages,
}

impl InstallPlan {
    /// Records that the package manager is about to be started. If it is killed, the packages are
    /// looked at more closely by the next plan.
    pub fn mark_started(&self) {
        self.marker.start();
    }
}

/// A package whose dependencies are looked at.
struct Subject {
    package: PackageJson,
    root: InstallRoot,
    marker: InstallMarker,
    is_own: bool,
}

impl Subject {
    /// `None` if there is no `package.json`, or it needs nothing.
    fn find(query: &PackageQuery) -> Result<Option<Self>, StartError> {
        let Some(package) = find_package_json(&query.dir, &query.app_root)? else {
            return Ok(None);
        };
        let lists = [
            &package.dependencies.0,
            &package.dev_dependencies.0,
            &package.optional_dependencies.0,
            &package.peer_dependencies.0,
        ];
        let is_provided = |name: &String| PROVIDED_PACKAGES.contains(&name.as_str());
        if lists.into_iter().flat_map(BTreeMap::keys).all(is_provided) {
            return Ok(None);
        }
        let root = find_install_root(&package, &query.app_root, query.yaml)?;
        Ok(Some(Self {
            marker: InstallMarker::new(&root.dir, &query.app_root),
            is_own: package.dir().starts_with(&query.app_root),
            package,
            root,
        }))
    }

    fn missing(&self, query: &PackageQuery, rigor: Rigor, cache: &Path) -> MissingPackages {
        let imported = || {
            let entry = query.entry.as_deref();
            entry.map_or_else(BTreeSet::new, |entry| imported_packages(entry, cache))
        };
        let (package, root) = (&self.package, &self.root.dir);
        MissingPackages::find(package, root, self.is_own, rigor, imported)
    }
}

/// Plans the install that a domain needs before it can start; `None` if it needs none.
///
/// It needs one if the nearest `package.json` (from its directory upward to the root of the app's
/// repository) has a dependency that is not installed, or if an install by Fulcrum was for another
/// `package.json` or lock file. Packages for development and optional ones count if the code imports
/// them. A `node_modules` that the user installed is up to date when every dependency has a directory.
/// After an install that was killed, the packages behind the dependencies are looked at too.
///
/// # Errors
/// Permanent failures: a `package.json` cannot be read, the package manager is not in `PATH` or would
/// rewrite the lock file of another, or there is no Node for the domain.
pub fn plan_install(
    query: &PackageQuery,
    context: &PrepareContext,
) -> Result<Option<InstallPlan>, StartError> {
    let Some(subject) = Subject::find(query)? else {
        return Ok(None);
    };
    let was_interrupted = subject.marker.is_interrupted();
    let rigor = if was_interrupted {
        Rigor::Complete
    } else {
        Rigor::Present
    };
    let missing = subject.missing(query, rigor, &context.cache);
    let recorded = subject.marker.is_current();
    let Some(reason) = install_reason(&missing, was_interrupted, recorded) else {
        if was_interrupted {
            subject.marker.end();
        }
        return Ok(None);
    };
    let Subject {
        package,
        root,
        marker,
        ..
    } = subject;
    let command = install_command(query, context, &package, &root, &missing, &reason)?;
    let warnings = provided_package_warning(&package, root.manager);
    Ok(Some(InstallPlan {
        root: root.dir,
        manager: root.manager,
        command,
        reason,
        warnings: warnings.into_iter().collect(),
        marker,
        missing,
    }))
}

/// What a domain lacks after an install; `succeeded` tells whether the package manager said so.
pub(super) fn still_missing(
    query: &PackageQuery,
    context: &PrepareContext,
    succeeded: bool,
) -> Result<MissingPackages, StartError> {
    let rigor = if succeeded {
        Rigor::Present
    } else {
        Rigor::Complete
    };
    let subject = Subject::find(query)?;
    Ok(subject.map_or_else(MissingPackages::default, |subject| {
        subject.missing(query, rigor, &context.cache)
    }))
}

/// Why an install is needed; `None` if it is not. `recorded` tells whether the last install was of the
/// present files, if there was one.
fn install_reason(
    missing: &MissingPackages,
    was_interrupted: bool,
    recorded: Option<bool>,
) -> Option<String> {
    let required = MissingPackages::describe(&missing.required);
    if was_interrupted && required.is_some() {
        return Some("the previous install was interrupted".to_owned());
    }
    // A package manager leaves out optional packages that this machine cannot have.
    let optional = match recorded {
        Some(true) => None,
        _ => MissingPackages::describe(&missing.optional),
    };
    let changed = (recorded == Some(false))
        .then(|| "package.json or its lock file has changed since the last install".to_owned());
    required.or(optional).or(changed)
}

fn install_command(
    query: &PackageQuery,
    context: &PrepareContext,
    package: &PackageJson,
    root: &InstallRoot,
    missing: &MissingPackages,
    reason: &str,
) -> Result<CommandSpec, StartError> {
    let manager = root.manager;
    let shown = display_relative(&package.path, &query.app_root);
    if manager == PackageManager::YarnBerry
        && let Some(workspace) = &root.foreign_workspace
    {
        let dir = display_root(&root.dir, &query.app_root);
        return Err(StartError::permanent(format!(
            "{shown}: {reason}, and {dir} is not among the workspaces of {}, so Yarn does not install it",
            workspace.display()
        ))
        .hint(format!(
            "add it to \"workspaces\" in {}, or create an empty yarn.lock in {dir}",
            workspace.join("package.json").display()
        )));
    }
    let (path, node) = install_path(query, context)?;
    let mut manager = manager;
    let mut env = environment(&path);
    if missing.has_development {
        // It would leave out what the code imports.
        env.remove(OsStr::new("NODE_ENV"));
    }
    let mode = InstallMode {
        is_locked: manager.lock(&root.dir).is_some_and(|name| {
            // An empty one is a mark of the project's root.
            std::fs::metadata(root.dir.join(name)).is_ok_and(|meta| meta.len() > 0)
        }),
        is_outside_workspace: root.foreign_workspace.is_some(),
    };
    let mut args: Vec<OsString> = Vec::new();
    let program = match (&root.yarn_path, node) {
        (Some(yarn), Some(node)) => {
            args.push(yarn.into());
            node
        }
        _ => {
            let version = root.version.as_deref();
            let program = find_in_path(manager.program().as_ref(), &path).ok_or_else(|| {
                StartError::permanent(format!(
                    "{shown}: {reason}, and {manager} is not found in PATH={}",
                    path.to_string_lossy()
                ))
                .hint(manager.install_hint(version))
            })?;
            manager = checked_yarn(&program, root, &env)?;
            program
        }
    };
    let arguments = manager.arguments(mode);
    args.extend(arguments.iter().map(OsString::from));
    Ok(CommandSpec {
        terminal: None,
        program,
        args,
        cwd: root.dir.clone(),
        env,
        runner: format!(
            "{manager} {} in {}",
            arguments[0],
            display_root(&root.dir, &query.app_root)
        ),
    })
}

/// The `PATH` of an install, and the Node of the domain, if Node runs it.
fn install_path(
    query: &PackageQuery,
    context: &PrepareContext,
) -> Result<(OsString, Option<PathBuf>), StartError> {
    if !query.runs_node {
        return Ok((query.path.clone(), None));
    }
    let request = NodeRequest {
        configured: query.node.as_deref(),
        domain_dir: &query.dir,
        app_root: &query.app_root,
        path: &query.path,
        home: query.home.as_deref(),
    };
    let node = find_node(&request, context)?.path;
    let path = path_with_node(&query.path, &node, &context.cache);
    Ok((path, Some(node)))
}

#[expect(
    clippy::disallowed_methods,
    reason = "not a domain's process: it is limited in time, awaited here, and in its own group"
)]
/// Checks that a Yarn is of the generation that wrote the lock file: each rewrites that of the other.
/// Returns the package manager that it is.
fn checked_yarn(
    program: &Path,
    root: &InstallRoot,
    env: &BTreeMap<OsString, OsString>,
) -> Result<PackageManager, StartError> {
    let wants_classic = match root.manager {
        PackageManager::YarnClassic => true,
        PackageManager::YarnBerry => false,
        other => return Ok(other),
    };
    let mut command = Command::new(program);
    command
        .arg("--version")
        .env_clear()
        .envs(env)
        .current_dir(&root.dir);
    let output = capture_stdout(command, VERSION_TIMEOUT).unwrap_or_default();
    let Some(version) = output.split_whitespace().last() else {
        // The install itself tells what is wrong with it.
        return Ok(root.manager);
    };
    let found = if is_classic(version) {
        PackageManager::YarnClassic
    } else {
        PackageManager::YarnBerry
    };
    if root.is_any_yarn || found == root.manager {
        return Ok(found);
    }
    let wanted = if wants_classic {
        "Yarn 1"
    } else {
        "Yarn 2 or later"
    };
    Err(StartError::permanent(format!(
        "{} is a project of {wanted}, and yarn in PATH is {version} ({}), which would rewrite its lock file",
        root.dir.display(),
        program.display()
    ))
    .hint(root.manager.install_hint(root.version.as_deref())))
}

/// The install root as it is shown.
pub(super) fn display_root(root: &Path, app_root: &Path) -> String {
    if root == app_root {
        "the app root".to_owned()
    } else {
        display_relative(root, app_root).to_string()
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
