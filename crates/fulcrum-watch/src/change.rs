//! Changes of files, and the state of watching, as the caller gets them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The caller's name for a watched directory or file. Each change carries the keys that it concerns.
pub type Key = Arc<str>;

/// How a file differs from what was last reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// It did not exist before.
    Created,
    /// Its content has changed.
    Modified,
    /// It no longer exists.
    Removed,
}

/// One file whose content has changed. Directories are not reported, only the files in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The absolute path, with the watched directory as the caller named it: symbolic links are not
    /// resolved.
    pub path: PathBuf,
    /// How the file has changed.
    pub kind: ChangeKind,
    /// The keys of the watched directories and files that this path belongs to, in the order of the
    /// spec. Never empty, without duplicates.
    pub keys: Vec<Key>,
}

/// Changes that are reported together, at most one for each path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The changes, ordered by path; never empty.
    pub changes: Vec<Change>,
    /// How many more files were touched and are not checked yet; more than 0 in the middle of a
    /// checkout.
    pub pending: usize,
}

impl Batch {
    /// Whether this is one change and no other is pending: the argument `single` of
    /// [`Coalescer::changed`](crate::Coalescer::changed).
    #[must_use]
    pub fn is_single(&self) -> bool {
        self.changes.len() == 1 && self.pending == 0
    }
}

/// An event of a [`Watcher`](crate::Watcher).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchEvent {
    /// Files have changed.
    Changes(Batch),
    /// The state of watching has changed.
    Status(WatchStatus),
}

/// A change in how watching works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchStatus {
    /// The content of every watched file is known. Before that, a file that is touched or written
    /// with the same content may be reported as modified. Sent after the start, and again after an
    /// update that added files.
    Ready {
        /// The number of watched directories.
        dirs: usize,
        /// The number of watched files.
        files: usize,
        /// The time since the start or the update.
        after: Duration,
    },
    /// A limit of the system on notifications is reached: from now on files are polled. Sent once.
    PollingFallback {
        /// The limit and its value.
        reason: String,
        /// The command that raises the limit.
        hint: String,
        /// The time between two polls.
        interval: Duration,
    },
    /// Notifications were lost because they arrived faster than they were read. All files were
    /// scanned; differences are reported as ordinary changes.
    Rescanned,
    /// A directory cannot be watched, so changes in it are not reported. Sent once for each
    /// directory.
    WatchFailed {
        /// The directory.
        dir: PathBuf,
        /// The system's error.
        reason: String,
    },
}
