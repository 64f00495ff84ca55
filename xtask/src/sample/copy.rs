//! Copying a directory.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::Context;

/// Copies the files and directories in `from` to `to`, except those with a name in `without`.
///
/// # Errors
/// A file or directory that cannot be read or written.
pub(crate) fn copy_tree(from: &Path, to: &Path, without: &[&str]) -> anyhow::Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let name = entry.file_name();
        if without.iter().any(|without| name == *without) {
            continue;
        }
        let (source, target) = (entry.path(), to.join(&name));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_tree(&source, &target, without)?;
        } else if kind.is_symlink() {
            symlink(fs::read_link(&source)?, &target)?;
        } else {
            fs::copy(&source, &target)
                .with_context(|| format!("cannot copy {}", source.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_keeps_links_and_skips_excluded_names() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (from, to) = (from.path(), &to.path().join("copy"));
        fs::create_dir_all(from.join("src/.fulcrum")).unwrap();
        fs::write(from.join("src/a.ts"), "a").unwrap();
        symlink("a.ts", from.join("src/link")).unwrap();
        copy_tree(from, to, &[".fulcrum"]).unwrap();
        assert_eq!(fs::read_to_string(to.join("src/a.ts")).unwrap(), "a");
        assert_eq!(
            fs::read_link(to.join("src/link")).unwrap(),
            Path::new("a.ts")
        );
        assert!(!to.join("src/.fulcrum").exists());
    }
}
