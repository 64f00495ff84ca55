//! The package for Debian and Ubuntu, by `dpkg-deb`, which every such system has. cargo-deb would be
//! compiled for minutes, for a package of files that are made here anyway.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::platform::Platform;
use super::tree::{Tree, source_date, version};
use crate::command::CommandRunner;
use crate::steps::Outcome;

/// The files of the package, and where they belong.
const FILES: [(&str, &str); 5] = [
    ("bin/fulcrum", "usr/bin/fulcrum"),
    (
        "completions/fulcrum.bash",
        "usr/share/bash-completion/completions/fulcrum",
    ),
    (
        "completions/_fulcrum",
        "usr/share/zsh/vendor-completions/_fulcrum",
    ),
    (
        "completions/fulcrum.fish",
        "usr/share/fish/vendor_completions.d/fulcrum.fish",
    ),
    ("LICENSE", "usr/share/doc/fulcrum/copyright"),
];

/// Writes `fulcrum_VERSION_ARCHITECTURE.deb`.
///
/// # Errors
/// A `dpkg-deb` that fails, or a file that cannot be written.
pub(super) fn build(out: &Path, tree: &Tree, platform: Platform) -> anyhow::Result<Outcome> {
    let has_program = CommandRunner::new("dpkg-deb", out)
        .arg("--version")
        .output();
    if has_program.is_err() {
        return Ok(Outcome::Skipped("dpkg-deb is not installed".to_owned()));
    }
    let root = out.join("deb");
    for (from, to) in FILES {
        install(&tree.dir.join(from), &root.join(to))?;
    }
    let manual = root.join("usr/share/man/man1");
    for page in entries(&tree.dir.join("man"))? {
        let name = page.file_name().context("a page has a name")?;
        let installed = manual.join(name);
        install(&page, &installed)?;
        compress(&installed)?;
    }
    let changes = root.join("usr/share/doc/fulcrum/changelog");
    install(&tree.dir.join("CHANGELOG.md"), &changes)?;
    compress(&changes)?;
    fs::create_dir_all(root.join("DEBIAN"))?;
    fs::write(root.join("DEBIAN/control"), control(platform, size(&root)?))?;
    set_modes(&root)?;
    let file = format!("fulcrum_{}_{}.deb", version(), platform.debian);
    CommandRunner::new("dpkg-deb", out)
        .args(["--root-owner-group", "-Zxz", "--build", "deb"])
        .arg(&file)
        .env("SOURCE_DATE_EPOCH", source_date()?)
        .stdout()?;
    fs::remove_dir_all(&root)?;
    Ok(Outcome::Passed)
}

fn control(platform: Platform, kib: u64) -> String {
    format!(
        "Package: fulcrum\nVersion: {}\nArchitecture: {}\nMaintainer: The Fulcrum maintainers <maintainers@fulcrum.run>\n\
         Installed-Size: {kib}\nDepends: libc6 (>= 2.34)\nRecommends: nodejs (>= 20.13)\nSection: admin\nPriority: optional\n\
         Homepage: https://github.com/fulcrum-run/fulcrum\n\
         Description: process manager for the domains of a TypeScript app\n \
         Starts the domains of an app in the order of their dependencies, restarts\n \
         what crashes or hangs, reloads what changes, and stores all output.\n",
        version(),
        platform.debian
    )
}

fn install(from: &Path, to: &Path) -> anyhow::Result<()> {
    if let Some(dir) = to.parent() {
        fs::create_dir_all(dir)?;
    }
    fs::copy(from, to)
        .map(drop)
        .with_context(|| format!("cannot copy {}", from.display()))
}

/// As Debian wants it, and without the time of the file.
fn compress(file: &Path) -> anyhow::Result<()> {
    CommandRunner::new("gzip", ".")
        .args(["--no-name", "--best", "--force"])
        .arg(std::path::absolute(file)?)
        .run_checked()
}

/// Modes that do not depend on the umask.
fn set_modes(path: &Path) -> anyhow::Result<()> {
    let is_dir = path.is_dir();
    let is_program = path.parent().is_some_and(|dir| dir.ends_with("usr/bin"));
    let mode = if is_dir || is_program { 0o755 } else { 0o644 };
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    if is_dir {
        for entry in entries(path)? {
            set_modes(&entry)?;
        }
    }
    Ok(())
}

/// The size of all files, in KiB.
fn size(dir: &Path) -> anyhow::Result<u64> {
    let mut total = 0;
    for entry in entries(dir)? {
        total += match entry.is_dir() {
            true => size(&entry)?,
            false => fs::metadata(&entry)?.len().div_ceil(1024),
        };
    }
    Ok(total)
}

fn entries(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(dir)?.collect::<Result<Vec<_>, _>>()?;
    Ok(entries.into_iter().map(|entry| entry.path()).collect())
}
