//! The versions of Node that are measured, from npm.

use std::path::PathBuf;

use crate::node_tools::NodeVersion;

/// Node 20, which cannot strip types, and Node 24, which can.
pub(super) struct Nodes {
    pub(super) v20: PathBuf,
    pub(super) v24: PathBuf,
}

/// Installs them, once.
///
/// # Errors
/// An npm that fails.
pub(super) fn install() -> anyhow::Result<Nodes> {
    Ok(Nodes {
        v20: NodeVersion::named("20")?.install()?,
        v24: NodeVersion::named("24")?.install()?,
    })
}
