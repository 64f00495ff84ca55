//! A file's size, times and inode, by which a change is noticed without reading the file.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::SystemTime;

/// Differs after every change of a file's content, and after its replacement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileStamp {
    /// Seconds and nanoseconds of the last change of content or metadata (`st_ctime`), which, unlike
    /// the time of the last write, no program can set.
    changed: (i64, i64),
    inode: u64,
    /// In bytes.
    pub(crate) size: u64,
    /// The time of the last write.
    pub(crate) modified: Option<SystemTime>,
}

impl FileStamp {
    /// The stamp of a file; none if it cannot be inspected.
    pub(crate) fn read(file: &Path) -> Option<Self> {
        let metadata = fs::metadata(file).ok()?;
        Some(Self {
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            inode: metadata.ino(),
            size: metadata.len(),
            modified: metadata.modified().ok(),
        })
    }
}
