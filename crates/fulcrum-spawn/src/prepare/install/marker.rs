//! Whether an install of ours came to its end.
//!
//! An install that is cut short leaves a `node_modules` that looks right. So before it begins a
//! file beside `node_modules` says so, and only its end takes that away and writes the marker.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::manager::LOCK_FILES;
use crate::prepare::files::{digest, write_atomically};

/// Written last, holds the hash of what was installed.
fn completed_path(root: &Path) -> PathBuf {
    root.join("node_modules/.fulcrum-installed")
}

/// Stands while an install runs. Not in `node_modules`, which `npm ci` deletes first.
fn in_progress_path(root: &Path) -> PathBuf {
    root.join(".fulcrum-installing")
}

/// An install of ours was begun here and not completed.
pub(super) fn is_incomplete(root: &Path) -> bool {
    in_progress_path(root).exists()
}

/// An install of ours ended here, with what `package.json` and lock file now say.
pub(super) fn is_current(root: &Path) -> bool {
    fs::read_to_string(completed_path(root)).is_ok_and(|hash| hash.trim() == expected_hash(root))
}

/// An install of ours ended here, with whatever.
pub(super) fn installed_by_fulcrum(root: &Path) -> bool {
    completed_path(root).is_file()
}

pub(super) fn begin(root: &Path) -> io::Result<()> {
    write_atomically(
        &in_progress_path(root),
        b"an install by fulcrum is under way, or was cut short\n",
        0o644,
    )?;
    absent(fs::remove_file(completed_path(root)))
}

pub(super) fn complete(root: &Path) -> io::Result<()> {
    let marker = completed_path(root);
    // A package without any dependencies gets no folder.
    fs::create_dir_all(root.join("node_modules"))?;
    write_atomically(
        &marker,
        format!("{}\n", expected_hash(root)).as_bytes(),
        0o644,
    )?;
    absent(fs::remove_file(in_progress_path(root)))
}

fn absent(removed: io::Result<()>) -> io::Result<()> {
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
