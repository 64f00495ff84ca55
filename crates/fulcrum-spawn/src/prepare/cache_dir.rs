//! Where prepared files are kept.

use std::fs::DirBuilder;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// A directory for caches, and what to say about the choice.
#[derive(Debug, PartialEq, Eq)]
pub struct CacheDir {
    /// The directory.
    pub path: PathBuf,
    /// Why it is not the expected one.
    pub warning: Option<String>,
}

impl CacheDir {
    /// The usual directory, or, where that is unknown or cannot be written, the first fallback that
    /// can. A fallback is private to this user. Without any, the one whose error is the most useful:
    /// the first start of a domain reports it.
    #[must_use]
    pub fn choose(usual: Option<PathBuf>, fallbacks: [PathBuf; 2]) -> Self {
        let why = match &usual {
            None => None,
            Some(usual) => match check_writable(usual) {
                Ok(()) => {
                    return Self {
                        path: usual.clone(),
                        warning: None,
                    };
                }
                Err(error) => Some(format!("cannot write to {}: {error}", usual.display())),
            },
        };
        let [first, last] = fallbacks;
        let chosen = [&first, &last]
            .into_iter()
            .find(|dir| check_private(dir).is_ok())
            .cloned();
        let is_expected = usual.is_none() && chosen.as_ref() == Some(&first);
        let why = why.unwrap_or_else(|| format!("cannot write to {}", first.display()));
        let warning = chosen
            .as_ref()
            .filter(|_| !is_expected)
            .map(|chosen| format!("{why}; the cache is in {} instead", chosen.display()));
        Self {
            path: chosen.or(usual).unwrap_or(first),
            warning,
        }
    }
}

/// A directory whose parent others can write to, too: it must be our own, since programs are run
/// from it.
fn check_private(dir: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let meta = dir.symlink_metadata()?;
    let is_own = meta.uid() == rustix::process::getuid().as_raw();
    if !meta.is_dir() || !is_own || meta.mode() & 0o022 != 0 {
        return Err(ErrorKind::PermissionDenied.into());
    }
    check_writable(dir)
}

fn check_writable(dir: &Path) -> io::Result<()> {
    std::fs::create_dir_all(dir)?;
    let probe = dir.join(format!(".writable-{}", std::process::id()));
    std::fs::write(&probe, "")?;
    std::fs::remove_file(probe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_that_cannot_be_written_is_replaced_with_one_warning() {
        let dir = tempfile::tempdir().expect("a directory");
        let below = |name: &str| dir.path().join(name).join("cache");
        std::fs::write(dir.path().join("file"), "").expect("written");
        std::fs::create_dir(dir.path().join("good")).expect("created");
        std::fs::create_dir(dir.path().join("memory")).expect("created");
        let choose = |usual: Option<&str>, fallbacks: [&str; 2]| {
            CacheDir::choose(usual.map(below), fallbacks.map(below))
        };
        // Nothing can be created below a file, not even by root.
        for (usual, fallbacks, chosen, warns) in [
            (Some("good"), ["memory", "memory"], "good", false),
            (None, ["good", "memory"], "good", false),
            (Some("file"), ["good", "memory"], "good", true),
            (None, ["file", "memory"], "memory", true),
            (Some("file"), ["file", "file"], "file", false),
        ] {
            let found = choose(usual, fallbacks);
            assert_eq!(found.path, below(chosen));
            assert_eq!(found.warning.is_some(), warns, "{found:?}");
        }
        let warning = choose(Some("file"), ["good", "memory"]).warning;
        let warning = warning.expect("a warning");
        assert!(warning.contains("good/cache instead"), "{warning}");
    }

    #[test]
    fn a_fallback_that_others_can_write_to_is_not_used() {
        let dir = tempfile::tempdir().expect("a directory");
        let (open, own) = (dir.path().join("open"), dir.path().join("own"));
        std::fs::create_dir(&open).expect("created");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        std::fs::set_permissions(&open, mode).expect("changed");
        assert_eq!(CacheDir::choose(None, [open, own.clone()]).path, own);
    }
}
