//! Where things are.

use std::path::{Path, PathBuf};

use anyhow::Context;
use cargo_metadata::{Metadata, MetadataCommand};

/// The repository's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the workspace's root")
}

/// What cargo knows of the workspace and all its dependencies, for every platform.
///
/// # Errors
/// A manifest that cargo refuses, or a dependency that can't be downloaded.
pub(crate) fn metadata() -> anyhow::Result<Metadata> {
    MetadataCommand::new()
        .current_dir(root())
        .exec()
        .context("`cargo metadata` failed")
}

/// The folder that cargo builds into.
///
/// # Errors
/// A manifest that cargo refuses.
pub(crate) fn target() -> anyhow::Result<PathBuf> {
    let metadata = MetadataCommand::new()
        .current_dir(root())
        .no_deps()
        .exec()
        .context("`cargo metadata --no-deps` failed")?;
    Ok(metadata.target_directory.into_std_path_buf())
}

/// A folder for what xtask installs or makes for itself, below [`target`].
///
/// # Errors
/// See [`target`].
pub(crate) fn tools() -> anyhow::Result<PathBuf> {
    Ok(target()?.join("tools"))
}
