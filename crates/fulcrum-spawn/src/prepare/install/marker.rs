//! Marker files for installs by Fulcrum, by which an interrupted install is detected.
//!
//! An interrupted install leaves a `node_modules` that looks complete. So an install first writes a
//! file next to `node_modules`, and removes it at its end, when it has written the completed marker.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::manager::LOCK_FILES;
use crate::prepare::files::{digest, write_atomically};

/// The marker of a completed install: contains the hash of what was installed.
fn completed_path(root: &Path) -> PathBuf {
    root.join("node_modules/.fulcrum-installed")
}

/// Exists while an install runs. It is not in `node_modules`, which `npm ci` deletes first.
fn in_progress_path(root: &Path) -> PathBuf {
    root.join(".fulcrum-installing")
}

/// Whether an install by Fulcrum was started here and not completed.
pub(super) fn is_incomplete(root: &Path) -> bool {
    in_progress_path(root).exists()
}

/// Whether an install by Fulcrum was completed here with the present `package.json` and lock file.
pub(super) fn is_current(root: &Path) -> bool {
    fs::read_to_string(completed_path(root)).is_ok_and(|hash| hash.trim() == expected_hash(root))
}

/// Whether an install by Fulcrum was completed here, with any `package.json`.
pub(super) fn installed_by_fulcrum(root: &Path) -> bool {
    completed_path(root).is_file()
}

/// Marks an install as started.
pub(super) fn start(root: &Path) -> io::Result<()> {
    write_atomically(
        &in_progress_path(root),
        b"an install by fulcrum is in progress, or was interrupted\n",
        0o644,
    )?;
    ignore_missing(fs::remove_file(completed_path(root)))
}

/// Marks an install as completed.
pub(super) fn complete(root: &Path) -> io::Result<()> {
    let marker = completed_path(root);
    // A package manager may create no directory for a package without dependencies.
    fs::create_dir_all(root.join("node_modules"))?;
    write_atomically(
        &marker,
        format!("{}\n", expected_hash(root)).as_bytes(),
        0o644,
    )?;
    ignore_missing(fs::remove_file(in_progress_path(root)))
}

fn ignore_missing(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// The hash of `package.json` and the lock files.
fn expected_hash(root: &Path) -> String {
    let names = std::iter::once("package.json").chain(LOCK_FILES.iter().map(|(name, _)| *name));
    let contents: Vec<Vec<u8>> = names
        .map(|name| fs::read(root.join(name)).unwrap_or_default())
        .collect();
    digest(&contents.iter().map(Vec::as_slice).collect::<Vec<_>>())
}
