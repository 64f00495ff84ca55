//! Paths and metadata of the workspace.

use std::path::{Path, PathBuf};

use anyhow::Context;
use cargo_metadata::{Metadata, MetadataCommand};

/// The repository's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask is in the workspace's root")
}

/// Cargo's metadata of the workspace and all its dependencies, for every platform.
///
/// # Errors
/// An invalid manifest, or a dependency that cannot be downloaded.
pub(crate) fn metadata() -> anyhow::Result<Metadata> {
    MetadataCommand::new()
        .current_dir(root())
        .exec()
        .context("`cargo metadata` failed")
}

/// Cargo's target directory.
///
/// # Errors
/// An invalid manifest.
pub(crate) fn target() -> anyhow::Result<PathBuf> {
    let metadata = MetadataCommand::new()
        .current_dir(root())
        .no_deps()
        .exec()
        .context("`cargo metadata --no-deps` failed")?;
    Ok(metadata.target_directory.into_std_path_buf())
}

/// Names a directory for [`tools`] that other clones use too, such as those of CI.
const TOOLS: &str = "XTASK_TOOLS";

/// The directory of the tools that xtask installs: `XTASK_TOOLS`, or else below [`target`].
///
/// # Errors
/// See [`target`].
pub(crate) fn tools() -> anyhow::Result<PathBuf> {
    match std::env::var_os(TOOLS) {
        Some(directory) => Ok(PathBuf::from(directory)),
        None => Ok(target()?.join("tools")),
    }
}
