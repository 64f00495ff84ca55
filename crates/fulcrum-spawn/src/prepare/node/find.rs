//! The order in which a Node is looked for, and what is said when there is none.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use nodejs_semver::Version;

use super::detect::{self, NodeInfo};
use super::installed;
use super::requirement::{self, VersionRequirement};
use crate::StartError;
use crate::prepare::context::PrepareContext;
use crate::prepare::executable;

/// The oldest Node that domains can run on: the bootstrap asks `v8.queryObjects`, which came with
/// 20.13.
pub const MIN_VERSION: (u64, u64, u64) = (20, 13, 0);

/// Whose Node is looked for, and where.
#[derive(Debug, Clone, Copy)]
pub struct NodeRequest<'a> {
    /// `process.node`, absolute; where given nothing else is considered.
    pub configured: Option<&'a Path>,
    /// The domain's folder, absolute.
    pub domain_dir: &'a Path,
    /// The app's root, absolute: version files are looked for up to here.
    pub app_root: &'a Path,
    /// The value of `PATH`.
    pub path: &'a OsStr,
    /// The home folder, where version managers keep what they installed.
    pub home: Option<&'a Path>,
}

/// How a Node came to be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeOrigin {
    /// `process.node` names it.
    Configured,
    /// This file (`.nvmrc` or `.node-version`) asks for its version.
    Nvmrc(PathBuf),
    /// `engines.node` of this `package.json` asks for its version.
    Engines(PathBuf),
    /// It is the first one in `PATH`.
    Path,
}

impl fmt::Display for NodeOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configured => f.write_str("process.node"),
            Self::Nvmrc(file) => {
                write!(
                    f,
                    "{}",
                    file.file_name().unwrap_or(file.as_os_str()).display()
                )
            }
            Self::Engines(_) => f.write_str("engines.node"),
            Self::Path => f.write_str("PATH"),
        }
    }
}

/// A Node that can run domains. Displays as `node 20.20.2 (PATH)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRuntime {
    /// The real executable, behind links and shims, so that the spawned process is Node itself.
    pub path: PathBuf,
    /// Its version.
    pub version: Version,
    /// How it came to be chosen.
    pub origin: NodeOrigin,
    /// It strips types by itself (22.18 and later), by its own word.
    pub strips_types: bool,
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
/// `process.node`, else the version that `.nvmrc`, `.node-version` or `engines.node` asks for (the
/// one in `PATH` if it will do, else one that a version manager installed), else the one in `PATH`.
/// What a Node says about itself is kept in the cache, so that usually nothing is run.
///
/// # Errors
/// Permanent failures that name the path or the file: no Node, not executable, not a Node, older
/// than [`MINIMUM`], or none of the wanted version.
pub fn find_node(
    request: &NodeRequest<'_>,
    toolbox: &PrepareContext,
) -> Result<NodeRuntime, StartError> {
    let identify = |path: &Path, role: &str| {
        detect::detect(path, role, request.domain_dir, request.home, &toolbox.cache)
    };
    if let Some(configured) = request.configured {
        let identity = identify(configured, "process.node")?;
        return validate(identity, NodeOrigin::Configured, configured);
    }
    let in_path = executable::find_in_path("node".as_ref(), request.path);
    let Some(constraint) = requirement::find(request.domain_dir, request.app_root)? else {
        let Some(path) = in_path else {
            return Err(not_found(request));
        };
        return validate(identify(&path, "node in PATH")?, NodeOrigin::Path, &path);
    };
    let mut seen = Vec::new();
    if let Some(path) = in_path {
        match identify(&path, "node in PATH") {
            Ok(identity) if constraint.range.satisfies(&identity.version) => {
                return validate(identity, constraint.origin(), &path);
            }
            Ok(identity) => seen.push(format!("{} ({})", identity.version, path.display())),
            Err(failure) => seen.push(failure.message),
        }
    }
    for (version, path) in installed::list(request.home, toolbox.nvm_dir.as_deref()) {
        if !constraint.range.satisfies(&version) {
            seen.push(format!("{version} ({})", path.display()));
            continue;
        }
        match identify(&path, "node") {
            Ok(identity) => return validate(identity, constraint.origin(), &path),
            // A broken installation isn't the last word while there are others.
            Err(failure) => seen.push(failure.message),
        }
    }
    Err(unsatisfied(&constraint, &seen))
}

impl VersionRequirement {
    fn origin(&self) -> NodeOrigin {
        if self
            .file
            .file_name()
            .is_some_and(|name| name == "package.json")
        {
            NodeOrigin::Engines(self.file.clone())
        } else {
            NodeOrigin::Nvmrc(self.file.clone())
        }
    }
}

fn validate(
    identity: NodeInfo,
    origin: NodeOrigin,
    found: &Path,
) -> Result<NodeRuntime, StartError> {
    let NodeInfo {
        version,
        exec_path,
        strips_types,
    } = identity;
    if (version.major(), version.minor(), version.patch()) < MIN_VERSION {
        let whence = match &origin {
            NodeOrigin::Configured => "from process.node".to_owned(),
            NodeOrigin::Path => "from PATH".to_owned(),
            NodeOrigin::Nvmrc(file) | NodeOrigin::Engines(file) => {
                format!("as {} asks", file.display())
            }
        };
        return Err(StartError::permanent(format!(
            "node {version} ({}, {whence}) is too old: Fulcrum needs {}.{} or newer",
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
        strips_types,
    })
}

fn not_found(request: &NodeRequest<'_>) -> StartError {
    let path = request.path.to_string_lossy();
    if let Some(file) = executable::find_unusable_in_path("node".as_ref(), request.path) {
        let file = file.display();
        return StartError::permanent(format!("node in PATH: {file} is not executable")).hint(
            format!("chmod +x {file}, or name another Node in process.node"),
        );
    }
    StartError::permanent(format!("node not found in PATH={path}"))
        .hint("install Node 20.13 or newer, or name one in process.node")
}

fn unsatisfied(constraint: &VersionRequirement, seen: &[String]) -> StartError {
    let VersionRequirement {
        file, raw: wanted, ..
    } = constraint;
    const SHOWN: usize = 6;
    let mut found = seen
        .iter()
        .take(SHOWN)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    if seen.len() > SHOWN {
        found.push_str(&format!(" and {} more", seen.len() - SHOWN));
    }
    if found.is_empty() {
        found.push_str("none at all");
    }
    let file = file.display();
    StartError::permanent(format!(
        "{file} wants node {wanted}, which isn't installed; found: {found}"
    ))
    .hint(format!(
        "install it (nvm install {wanted}), change {file}, or set process.node"
    ))
}
