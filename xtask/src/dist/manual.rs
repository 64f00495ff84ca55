//! `cargo xtask man`: a man page for each command.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use crate::command::CommandRunner;
use crate::{sample, workspace};

/// Writes the man pages of the built program to `out`, or to `target/man`.
///
/// # Errors
/// A build that fails, or a directory that cannot be written.
pub(crate) fn write_man_pages(out: Option<&Path>) -> anyhow::Result<()> {
    let out = match out {
        Some(out) => out.to_path_buf(),
        None => workspace::target()?.join("man"),
    };
    let pages = write_from(&sample::build()?, &out)?;
    println!("{} pages in {}", pages.len(), out.display());
    Ok(())
}

/// Writes the man pages of `program`; returns their paths.
pub(super) fn write_from(program: &Path, out: &Path) -> anyhow::Result<Vec<PathBuf>> {
    fs::create_dir_all(out).with_context(|| format!("cannot create {}", out.display()))?;
    CommandRunner::new(program, workspace::root())
        .arg("__man")
        .arg(std::path::absolute(out)?)
        .run_checked()?;
    let entries = fs::read_dir(out)?.collect::<Result<Vec<_>, _>>()?;
    let pages: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    ensure!(!pages.is_empty(), "{} wrote no page", program.display());
    Ok(pages)
}
