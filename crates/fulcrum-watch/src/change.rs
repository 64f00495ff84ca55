//! What is told of the disk.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The name that the caller gives a tree or a file, and gets back with each change in it.
pub type Key = Arc<str>;

/// What has become of a file, compared with what was last told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// It wasn't there before.
    Created,
    /// Its content is another.
    Modified,
    /// It isn't there any more.
    Removed,
}

/// One file whose content has changed. Folders aren't told of, only what is in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Absolute, below the tree as the caller named it: symbolic links in it aren't resolved.
    pub path: PathBuf,
    /// What has become of it.
    pub kind: ChangeKind,
    /// Of each tree and each single file that claims this path, in the order of the spec. Never
    /// empty, and each key stands there once.
    pub keys: Vec<Key>,
}

/// Changes that were told together. No path stands there twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// In the order of their paths; never empty.
    pub changes: Vec<Change>,
    /// How many more files have been touched and aren't decided yet: not 0 in the middle of a
    /// checkout.
    pub pending: usize,
}

impl Batch {
    /// Is it one change, with nothing else in sight? So says
    /// [`Coalescer::changed`](crate::Coalescer::changed) whether to act at once.
    #[must_use]
    pub fn is_single(&self) -> bool {
        self.changes.len() == 1 && self.pending == 0
    }
}

/// What a [`Watcher`](crate::Watcher) has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchEvent {
    /// Files have changed.
    Changes(Batch),
    /// Something that people should know about the watching itself.
    WatchStatus(WatchStatus),
}

/// How the watching goes; for people, and for tests that wait for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchStatus {
    /// The content of every watched file is known. Until then a file that is written with its old
    /// content, or only touched, may be told as modified. Comes after the start, and again after
    /// an update that brought new files.
    Ready {
        /// Folders that are watched.
        folders: usize,
        /// Files that are known.
        files: usize,
        /// How long ago the start or the update was.
        after: Duration,
    },
    /// The system has no more notifications for us: from now on everything is looked at again and
    /// again. Told once.
    PollingFallback {
        /// What the system said.
        why: String,
        /// What to do about it: the setting, its value now and the command.
        cure: String,
        /// The time between two looks.
        every: Duration,
    },
    /// Notifications were lost, since they came faster than they could be read. All was looked
    /// at; what differs is told as ordinary changes.
    Rescanned,
    /// A folder can't be watched, so changes in it go unnoticed. Told once for each folder.
    WatchFailed {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        why: String,
    },
}
