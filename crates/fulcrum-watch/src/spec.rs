//! What is to be watched.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::change::Key;

/// What is to be watched. The order determines only the order of the keys of a change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WatchSpec {
    /// The app's directory, absolute. `.gitignore` files from here down (or from the repository that
    /// contains it) apply to the directories below it. The directories in between are watched too,
    /// so that a watched directory is noticed when it is created again.
    pub app_root: PathBuf,
    /// Directories that are watched recursively.
    pub dirs: Vec<WatchedDir>,
    /// Single files, anywhere. No rule ignores them, since files such as `.env` are in most
    /// `.gitignore` files.
    pub files: Vec<WatchedFile>,
    /// Lines as in a `.gitignore` in the app's directory, for all watched directories.
    pub ignore: Vec<String>,
}

/// A directory that is watched recursively, whether it exists yet or not.
///
/// It may have a name that is ignored elsewhere, may be a symbolic link, and may be inside another
/// watched directory. Symbolic links to directories *in* it are not followed: Node identifies a
/// module by its canonical path, which can be watched as a directory of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedDir {
    /// The key of changes in it.
    pub key: Key,
    /// Absolute.
    pub root: PathBuf,
    /// Lines as in a `.gitignore` in this directory.
    pub ignore: Vec<String>,
}

impl WatchedDir {
    /// A directory without ignore rules of its own.
    #[must_use]
    pub fn new(key: impl Into<Key>, root: impl Into<PathBuf>) -> Self {
        Self {
            key: key.into(),
            root: root.into(),
            ignore: Vec::new(),
        }
    }
}

/// A file that is watched by its path, whether it exists yet or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedFile {
    /// The key of its changes.
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

/// How to watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchOptions {
    /// The interval of polling, for file systems without notifications (NFS, mounts of WSL and of
    /// containers). `None`: the system's notifications are used.
    pub poll: Option<Duration>,
    /// The interval of polling after a limit on notifications was reached.
    pub fallback: Duration,
}

impl Default for WatchOptions {
    /// Notifications, with 500 ms as the interval of the fallback.
    fn default() -> Self {
        Self {
            poll: None,
            fallback: Duration::from_millis(500),
        }
    }
}

/// Why watching cannot start or continue.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// A path of the spec is not absolute.
    #[error("cannot watch {}: the path is not absolute", .0.display())]
    Relative(PathBuf),
    /// A line of the spec is not a valid glob.
    #[error("invalid ignore pattern `{line}` in {}: {reason}\n  hint: use the syntax of .gitignore", .dir.display())]
    Glob {
        /// The line.
        line: String,
        /// The directory that the line is relative to.
        dir: PathBuf,
        /// What is wrong with the line.
        reason: String,
    },
    /// The watcher thread cannot be started.
    #[error("cannot start the watcher thread: {0}")]
    Thread(#[source] std::io::Error),
    /// The watcher thread has ended unexpectedly.
    #[error("internal error: the watcher thread has ended")]
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
