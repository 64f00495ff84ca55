//! The package for Debian and Ubuntu, by cargo-deb.

use std::path::{Path, PathBuf};

use super::tree::{Tree, source_date};
use crate::command::CommandRunner;
use crate::sample::copy_tree;
use crate::workspace;

/// Pinned, so that the same sources have the same package.
const VERSION: &str = "3.8.0";

/// Writes the `.deb`. What it contains is in `[package.metadata.deb]` of `fulcrum-cli`.
///
/// # Errors
/// A cargo-deb that fails, or cannot be installed.
pub(super) fn build(out: &Path, tree: &Tree) -> anyhow::Result<()> {
    // The paths in the metadata are relative to the crate, so the tree has a fixed place.
    let staged = workspace::target()?.join("deb-tree");
    if staged.exists() {
        std::fs::remove_dir_all(&staged)?;
    }
    copy_tree(&tree.dir, &staged, &[])?;
    CommandRunner::new(cargo_deb()?, workspace::root())
        .args(["--package", "fulcrum-cli", "--no-build", "--no-strip"])
        .arg("--output")
        .arg(std::path::absolute(out)?)
        .env("SOURCE_DATE_EPOCH", source_date()?)
        .run_checked()
}

/// The program on `PATH`, or below the tools directory, where it is installed if it is not there.
fn cargo_deb() -> anyhow::Result<PathBuf> {
    let directory = workspace::tools()?.join(format!("cargo-deb-{VERSION}"));
    let below = directory.join("bin/cargo-deb");
    let candidates = [PathBuf::from("cargo-deb"), below.clone()];
    if let Some(program) = candidates.into_iter().find(|program| has_version(program)) {
        return Ok(program);
    }
    eprintln!(
        "dist: compiling cargo-deb {VERSION} into {} (once, some minutes)",
        directory.display()
    );
    CommandRunner::cargo()
        .args(["install", "--locked", "--quiet", "--force"])
        .args(["--version", VERSION, "--no-default-features", "--root"])
        .arg(&directory)
        .arg("--target-dir")
        .arg(directory.join("build"))
        .arg("cargo-deb")
        .run_checked()?;
    std::fs::remove_dir_all(directory.join("build"))?;
    Ok(below)
}

fn has_version(program: &Path) -> bool {
    let version = CommandRunner::new(program, workspace::root())
        .arg("--version")
        .stdout();
    version.is_ok_and(|text| text.trim().ends_with(VERSION))
}
