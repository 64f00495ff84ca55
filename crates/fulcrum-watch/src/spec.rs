//! What is to be watched.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::change::Key;

/// What is to be watched. Order matters only for the order of the keys of a change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WatchSpec {
    /// The app's folder, absolute. The `.gitignore` files from here down (or from the repository
    /// that it is in) hold for the trees below it, and the folders between it and a tree are
    /// watched, so that a tree comes back with them.
    pub app_root: PathBuf,
    /// Folders that are watched with all that is in them.
    pub trees: Vec<WatchedDir>,
    /// Single files, wherever they are. No rule ignores them: `.env` is in every `.gitignore`.
    pub files: Vec<WatchedFile>,
    /// Lines as in a `.gitignore` in the app's folder, for all trees.
    pub ignore: Vec<String>,
}

/// A folder that is watched with all that is in it, whether it is there yet or not.
///
/// It may itself have a name that is ignored elsewhere, may be a symbolic link, and may be within
/// another. Symbolic links to folders *in* it aren't followed: Node knows a module by its real
/// path, which can be watched as a tree of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedDir {
    /// What changes in it are told with.
    pub key: Key,
    /// Absolute.
    pub root: PathBuf,
    /// Lines as in a `.gitignore` in the tree's root.
    pub ignore: Vec<String>,
}

impl WatchedDir {
    /// A tree that ignores nothing of its own.
    #[must_use]
    pub fn new(key: impl Into<Key>, root: impl Into<PathBuf>) -> Self {
        Self {
            key: key.into(),
            root: root.into(),
            ignore: Vec::new(),
        }
    }
}

/// A file that is watched by its name, whether it is there yet or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedFile {
    /// What changes of it are told with.
    pub key: Key,
    /// Absolute.
    pub path: PathBuf,
}

impl WatchedFile {
    /// A file to watch.
    #[must_use]
    pub fn new(key: impl Into<Key>, path: impl Into<PathBuf>) -> Self {
        Self {
            key: key.into(),
            path: path.into(),
        }
    }
}

/// How it is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchOptions {
    /// `None`: the system notifies. `Some`: everything is looked at again and again, with this
    /// time between; for file systems that don't notify (NFS, mounts of WSL and of containers).
    pub poll: Option<Duration>,
    /// The time between two looks when the system has no notifications left for us.
    pub fallback: Duration,
}

impl Default for WatchOptions {
    /// Notifications; every 500 ms when there are none left.
    fn default() -> Self {
        Self {
            poll: None,
            fallback: Duration::from_millis(500),
        }
    }
}

/// Why nothing can be watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// A path of the spec isn't absolute.
    #[error("can't watch {}: the path isn't absolute; resolve it against the app's folder", .0.display())]
    Relative(PathBuf),
    /// A line of the spec isn't a glob.
    #[error("can't ignore `{line}` in {}: {why}; write it as in a .gitignore", .of.display())]
    Glob {
        /// The line.
        line: String,
        /// The folder that it is relative to.
        of: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The thread that watches couldn't be started.
    #[error("can't start watching: no thread for it: {0}")]
    Thread(#[source] std::io::Error),
    /// The thread that watches has ended.
    #[error("the watching has ended; this is a defect of Fulcrum's")]
    Ended,
}

/// # Errors
/// [`WatchError::Relative`].
pub(crate) fn absolute(path: &Path) -> Result<(), WatchError> {
    if path.is_absolute() {
        Ok(())
    } else {
        Err(WatchError::Relative(path.to_owned()))
    }
}
