//! The tarball.

use std::path::Path;

use super::platform::Platform;
use super::tree::{Tree, source_date, version};
use crate::command::CommandRunner;

/// Writes `fulcrum-VERSION-TRIPLE.tar.gz`.
///
/// # Errors
/// A `tar` that fails.
pub(super) fn tarball(out: &Path, tree: &Tree, platform: Platform) -> anyhow::Result<()> {
    let name = format!("fulcrum-{}-{}", version(), platform.triple);
    pack(&tree.dir, &name, &out.join(format!("{name}.tar.gz")))
}

/// Packs a directory under another name, with the same bytes for the same files.
pub(super) fn pack(dir: &Path, name: &str, file: &Path) -> anyhow::Result<()> {
    CommandRunner::new("tar", dir)
        .args(["--create", "--sort=name", "--owner=0", "--group=0"])
        .args(["--numeric-owner", "--format=ustar", "--mode=go=rX,u+rw"])
        .arg(format!("--mtime=@{}", source_date()?))
        .arg(format!("--transform=s,^\\.,{name},"))
        // Without the name and the time of the file in the header of gzip.
        .arg("--use-compress-program=gzip --no-name --best")
        .arg("--file")
        .arg(file)
        .arg(".")
        .run_checked()
}
