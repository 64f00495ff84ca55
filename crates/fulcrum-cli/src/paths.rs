//! The directories that Fulcrum uses on this machine.

use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use fulcrum_rpc::RuntimeDir;

use crate::exit::CliError;

/// The runtime directory of an app's instance: its lock and its socket.
///
/// # Errors
/// It cannot be created, or belongs to another user.
pub(crate) fn runtime_dir(app: &Path) -> Result<RuntimeDir, CliError> {
    let xdg = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let uid = rustix::process::getuid().as_raw();
    RuntimeDir::for_app(app, xdg.as_deref(), &std::env::temp_dir(), uid)
        .map_err(|error| CliError::failed(format!("cannot use the runtime directory: {error}")))
}

/// A directory for caches, and what to say about the choice.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CacheDir {
    pub(crate) path: PathBuf,
    /// Why it is not the usual one.
    pub(crate) warning: Option<String>,
}

/// The cache directory: `$XDG_CACHE_HOME/fulcrum`, else `~/.cache/fulcrum`. Where that cannot be
/// written, or is not set, a directory in the temporary one, else in memory. Its contents can be
/// deleted at any time.
pub(crate) fn cache_dir() -> CacheDir {
    let set = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let base = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    let usual = base.map(|base| base.join("fulcrum"));
    let name = format!("fulcrum-cache-{}", rustix::process::getuid().as_raw());
    let fallbacks = [std::env::temp_dir(), PathBuf::from(IN_MEMORY)];
    choose_cache(usual, fallbacks.map(|dir| dir.join(&name)))
}

/// A file system in memory, which containers have where everything else is read-only.
const IN_MEMORY: &str = "/dev/shm";

fn choose_cache(usual: Option<PathBuf>, fallbacks: [PathBuf; 2]) -> CacheDir {
    let why = match &usual {
        None => None,
        Some(usual) => match check_writable(usual) {
            Ok(()) => {
                return CacheDir {
                    path: usual.clone(),
                    warning: None,
                };
            }
            Err(error) => Some(format!("cannot write to {}: {error}", usual.display())),
        },
    };
    let [first, last] = fallbacks;
    let chosen = if check_private(&first).is_ok() {
        Some(first.clone())
    } else {
        Some(last).filter(|last| check_private(last).is_ok())
    };
    // Without any, the first start of a domain reports what is wrong with the usual one.
    let path = chosen
        .clone()
        .unwrap_or_else(|| usual.unwrap_or(first.clone()));
    let is_expected = why.is_none() && path == first;
    let warning = chosen.filter(|_| !is_expected).map(|chosen| {
        let why = why.unwrap_or_else(|| format!("cannot write to {}", first.display()));
        format!("{why}; the cache is in {} instead", chosen.display())
    });
    CacheDir { path, warning }
}

/// A directory whose parent others can write to, too: it must be our own, since programs are run
/// from it.
fn check_private(dir: &Path) -> std::io::Result<()> {
    let created = DirBuilder::new().mode(0o700).create(dir);
    match created {
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

fn check_writable(dir: &Path) -> std::io::Result<()> {
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
        std::fs::create_dir(dir.path().join("good")).expect("created");
        let file = dir.path().join("file");
        std::fs::write(&file, "").expect("written");
        let below = |base: &Path| base.join("cache");
        let (good, other) = (dir.path().join("good"), dir.path().join("other"));
        let choose = |usual: Option<&Path>, first: &Path| {
            choose_cache(usual.map(below), [below(first), other.clone()])
        };
        let usual = choose(Some(&good), &good);
        assert_eq!((usual.path, usual.warning), (below(&good), None));
        let unset = choose(None, &good);
        assert_eq!((unset.path, unset.warning), (below(&good), None));
        // Nothing can be created below a file, not even by root.
        let first = choose(Some(&file), &good);
        let warning = first.warning.expect("a warning");
        assert!(
            warning.contains("cannot write to") && warning.contains("good/cache instead"),
            "{warning}"
        );
        let memory = choose(None, &file);
        assert_eq!(memory.path, other);
        assert!(memory.warning.is_some());
        let none = choose_cache(Some(below(&file)), [below(&file), below(&file)]);
        assert_eq!((none.path, none.warning), (below(&file), None));
    }
}
