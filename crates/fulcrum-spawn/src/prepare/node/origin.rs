//! What chose a Node.

use std::fmt;
use std::path::PathBuf;

/// How a Node was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeOrigin {
    /// By `process.node`.
    Configured,
    /// By this file of a version manager, such as `.nvmrc`, `.node-version` or `mise.toml`.
    VersionFile(PathBuf),
    /// By `volta.node` of this `package.json`.
    Volta(PathBuf),
    /// By `devEngines.runtime` of this `package.json`.
    DevEngines(PathBuf),
    /// By `engines.node` of this `package.json`.
    Engines(PathBuf),
    /// As the first one in `PATH`.
    Path,
}

impl fmt::Display for NodeOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configured => f.write_str("process.node"),
            Self::VersionFile(file) => {
                write!(
                    f,
                    "{}",
                    file.file_name().unwrap_or(file.as_os_str()).display()
                )
            }
            Self::Volta(_) => f.write_str("volta.node"),
            Self::DevEngines(_) => f.write_str("devEngines.runtime"),
            Self::Engines(_) => f.write_str("engines.node"),
            Self::Path => f.write_str("PATH"),
        }
    }
}
