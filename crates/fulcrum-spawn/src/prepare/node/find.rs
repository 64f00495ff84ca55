//! Chooses the Node of a domain, and explains why there is none.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use nodejs_semver::Version;

use super::detect::{self, NodeInfo};
use super::installed;
use super::origin::NodeOrigin;
use super::requirement::{self, IfUnmet, VersionRequirement};
use crate::prepare::context::PrepareContext;
use crate::prepare::executable::{find_file_in_path, find_in_path, named_program};
use crate::prepare::warning::StartWarning;
use crate::{Code, StartError};

/// The oldest Node that runs domains: the bootstrap uses `v8.queryObjects`, which was added in 20.13.
pub const MIN_VERSION: (u64, u64, u64) = (20, 13, 0);

/// The domain for which a Node is chosen, and where one is looked up.
#[derive(Debug, Clone, Copy)]
pub struct NodeRequest<'a> {
    /// `process.node`, absolute; if it is set, no other Node is considered.
    pub configured: Option<&'a Path>,
    /// The domain's directory, absolute.
    pub domain_dir: &'a Path,
    /// The app's root, absolute: the highest directory in which version files are read.
    pub app_root: &'a Path,
    /// The value of `PATH`.
    pub path: &'a OsStr,
    /// The home directory, in which version managers install.
    pub home: Option<&'a Path>,
}

/// A Node that can run domains. Displays as `node 20.20.2 (PATH)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRuntime {
    /// The real executable, behind links and shims, so that the spawned process is Node itself.
    pub path: PathBuf,
    /// Its version.
    pub version: Version,
    /// How it was chosen.
    pub origin: NodeOrigin,
    /// Why it may be the wrong one, such as an `engines.node` that it does not satisfy.
    pub warning: Option<StartWarning>,
}

impl NodeRuntime {
    /// Whether it is at least this version.
    #[must_use]
    pub fn at_least(&self, major: u64, minor: u64) -> bool {
        (self.version.major(), self.version.minor()) >= (major, minor)
    }
}

impl fmt::Display for NodeRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node {} ({})", self.version, self.origin)
    }
}

/// Finds the Node for a domain.
///
/// It is `process.node`, else the version that a file of a version manager or `package.json` requires
/// (the Node in `PATH` if it satisfies that, else one that a version manager installed), else the
/// Node in `PATH`. If an `engines.node` cannot be satisfied, the Node in `PATH` runs the domain with a
/// warning, as with npm, unless `engine-strict` is set. The version of a Node is cached, so that usually
/// no program is run.
///
/// # Errors
/// Permanent failures that name the path or the file: no Node, not executable, not Node, older than
/// [`MIN_VERSION`], or none of the required version.
pub fn find_node(
    request: &NodeRequest<'_>,
    context: &PrepareContext,
) -> Result<NodeRuntime, StartError> {
    search(request, context).map_err(|failure| failure.code(Code::NoNode))
}

fn search(request: &NodeRequest<'_>, context: &PrepareContext) -> Result<NodeRuntime, StartError> {
    let detect_node = |path: &Path, role: &str| {
        detect::detect(path, role, request.domain_dir, request.home, &context.cache)
    };
    if let Some(configured) = request.configured {
        let configured = named_program(configured, request.path);
        let info = detect_node(&configured, "process.node")?;
        return validate(info, NodeOrigin::Configured, &configured);
    }
    let in_path = find_in_path("node".as_ref(), request.path);
    let Some(requirement) = requirement::find(request.domain_dir, request.app_root, request.home)?
    else {
        let Some(path) = in_path else {
            return Err(not_found(request));
        };
        return validate(detect_node(&path, "node in PATH")?, NodeOrigin::Path, &path);
    };
    let mut rejected = Vec::new();
    let mut fallback = None;
    if let Some(path) = in_path {
        match detect_node(&path, "node in PATH") {
            Ok(info) if requirement.range.satisfies(&info.version) => {
                return validate(info, requirement.origin, &path);
            }
            Ok(info) => {
                fallback = Some((info.clone(), path.clone()));
                rejected.push(format!("{} ({})", info.version, path.display()));
            }
            Err(failure) => rejected.push(failure.message),
        }
    }
    for (version, path) in installed::list(request.home, context.nvm_dir.as_deref()) {
        if !requirement.range.satisfies(&version) {
            rejected.push(format!("{version} ({})", path.display()));
            continue;
        }
        match detect_node(&path, "node") {
            Ok(info) => return validate(info, requirement.origin, &path),
            // Another installation of this version may work.
            Err(failure) => rejected.push(failure.message),
        }
    }
    match fallback {
        Some((info, path)) if requirement.if_unmet != IfUnmet::Fail => {
            let warning = unmet_warning(&requirement, &info);
            let node = validate(info, NodeOrigin::Path, &path)?;
            Ok(NodeRuntime { warning, ..node })
        }
        _ => Err(unsatisfied(&requirement, &rejected)),
    }
}

/// The warning about a requirement that the Node in `PATH` does not satisfy.
fn unmet_warning(requirement: &VersionRequirement, info: &NodeInfo) -> Option<StartWarning> {
    let VersionRequirement {
        file, raw, origin, ..
    } = requirement;
    (requirement.if_unmet == IfUnmet::Warn).then(|| {
        StartWarning::new(format!(
            "{}: {origin} requires {raw}, and node {} (PATH) runs it: no Node of that version is \
             installed",
            file.display(),
            info.version
        ))
    })
}

fn validate(info: NodeInfo, origin: NodeOrigin, found: &Path) -> Result<NodeRuntime, StartError> {
    let NodeInfo {
        version,
        exec_path,
        other,
    } = info;
    if let Some((other, version)) = other {
        return Err(StartError::permanent(format!(
            "{} ({origin}) is {other} {version}, not Node",
            found.display()
        ))
        .hint(format!(
            "set process.runtime: {}, or name a Node in process.node",
            other.program()
        )));
    }
    if (version.major(), version.minor(), version.patch()) < MIN_VERSION {
        let source = match &origin {
            NodeOrigin::Configured => "from process.node".to_owned(),
            NodeOrigin::Path => "from PATH".to_owned(),
            NodeOrigin::VersionFile(file)
            | NodeOrigin::Volta(file)
            | NodeOrigin::DevEngines(file)
            | NodeOrigin::Engines(file) => {
                format!("required by {}", file.display())
            }
        };
        return Err(StartError::permanent(format!(
            "node {version} ({}, {source}) is too old: Fulcrum needs {}.{} or newer",
            found.display(),
            MIN_VERSION.0,
            MIN_VERSION.1,
        ))
        .hint("install a newer Node, or name one in process.node"));
    }
    Ok(NodeRuntime {
        path: exec_path,
        version,
        origin,
        warning: None,
    })
}

fn not_found(request: &NodeRequest<'_>) -> StartError {
    let path = request.path.to_string_lossy();
    if let Some(file) = find_file_in_path("node".as_ref(), request.path) {
        let file = file.display();
        return StartError::permanent(format!("node in PATH: {file} is not executable")).hint(
            format!("chmod +x {file}, or name another Node in process.node"),
        );
    }
    StartError::permanent(format!("node not found in PATH={path}"))
        .hint("install Node 20.13 or newer, or name one in process.node")
}

fn unsatisfied(requirement: &VersionRequirement, rejected: &[String]) -> StartError {
    const MAX_SHOWN: usize = 6;
    let VersionRequirement { file, raw, .. } = requirement;
    let mut found = rejected
        .iter()
        .take(MAX_SHOWN)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    if rejected.len() > MAX_SHOWN {
        found.push_str(&format!(" and {} more", rejected.len() - MAX_SHOWN));
    }
    if found.is_empty() {
        found.push_str("none");
    }
    let file = file.display();
    StartError::permanent(format!(
        "{file} requires node {raw}, which is not installed (found: {found})"
    ))
    .hint(format!(
        "install it{}, change {file}, or set process.node",
        install_command(requirement)
    ))
}

/// How the version manager that reads the file installs the version, in parentheses. A range is no
/// word for a shell, nor for most version managers.
fn install_command(requirement: &VersionRequirement) -> String {
    let name = requirement.file.file_name().and_then(|name| name.to_str());
    let version = requirement.range.installable();
    match (&requirement.origin, name, version) {
        (NodeOrigin::VersionFile(_), Some("mise.toml" | ".mise.toml"), _) => {
            " (mise install)".to_owned()
        }
        (NodeOrigin::VersionFile(_), Some(".tool-versions"), _) => {
            " (mise install, or asdf install)".to_owned()
        }
        (NodeOrigin::Volta(_), _, Some(version)) => format!(" (volta install node@{version})"),
        (_, _, Some(version)) => format!(" (nvm install {version})"),
        (_, _, None) => String::new(),
    }
}
