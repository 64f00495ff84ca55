//! Versions of a file: its stamp and the hash of its content.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};

/// Larger files, in bytes, are compared by size and times only: reading them costs more than an
/// unnecessary reload.
const MAX_HASHED_SIZE: u64 = 8 * 1024 * 1024;

/// A file that was written this shortly before it is inspected may be written again with the same
/// time: the kernel's clock for files advances every few milliseconds.
pub(crate) const TIME_GRANULARITY: Duration = Duration::from_millis(100);

/// Like [`TIME_GRANULARITY`], where the time is another machine's.
pub(crate) const REMOTE_CLOCK_SKEW: Duration = Duration::from_secs(2);

/// A file's size, times and inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileStamp {
    pub(crate) len: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    device: u64,
    inode: u64,
}

impl FileStamp {
    fn of(meta: &Metadata) -> Self {
        Self {
            len: meta.len(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
            device: meta.dev(),
            inode: meta.ino(),
        }
    }

    /// Compares all but the time of the last change of the inode, which `chmod` updates too.
    fn same_content(&self, other: &Self) -> bool {
        (self.len, self.modified, self.device, self.inode)
            == (other.len, other.modified, other.device, other.inode)
    }

    /// Whether the file was written less than this before now, or later.
    #[expect(
        clippy::disallowed_methods,
        reason = "compared with times that the file system took from the same clock"
    )]
    pub(crate) fn is_younger(&self, than: Duration) -> bool {
        let (seconds, nanos) = self.modified;
        let (Ok(seconds), Ok(nanos)) = (u64::try_from(seconds), u32::try_from(nanos)) else {
            return false;
        };
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .is_ok_and(|now| now < Duration::new(seconds, nanos).saturating_add(than))
    }
}

/// The first half of a SHA-256 digest, which suffices to distinguish versions of a file.
pub(crate) type Hash = [u8; 16];

/// The state of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileState {
    /// No file: nothing, a directory, a pipe, or a dangling link.
    Missing,
    /// The file was written while it was read.
    Changing,
    /// A file. Without a hash, it is too large or cannot be read.
    Present(FileVersion),
}

/// A file at one point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileVersion {
    pub(crate) stamp: FileStamp,
    pub(crate) hash: Option<Hash>,
}

impl FileVersion {
    /// Whether the contents differ. Without both hashes, the stamps decide.
    pub(crate) fn differs(&self, other: &Self) -> bool {
        match (self.hash, other.hash) {
            (Some(this), Some(that)) => this != that,
            (Some(_), None) | (None, Some(_)) | (None, None) => {
                !self.stamp.same_content(&other.stamp)
            }
        }
    }
}

/// The stamp of a file, if it exists; links are followed.
pub(crate) fn stamp(path: &Path) -> Option<FileStamp> {
    let meta = fs::metadata(path).ok()?;
    meta.is_file().then(|| FileStamp::of(&meta))
}

/// Reads a file's stamp and content.
pub(crate) fn read_state(path: &Path) -> FileState {
    let Some(before) = stamp(path) else {
        return FileState::Missing;
    };
    if before.len > MAX_HASHED_SIZE {
        return FileState::Present(FileVersion {
            stamp: before,
            hash: None,
        });
    }
    let hash = match digest(path) {
        Ok(hash) => Some(hash),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return FileState::Changing,
        Err(_) => None,
    };
    match stamp(path) {
        Some(after) if after == before => FileState::Present(FileVersion { stamp: after, hash }),
        Some(_) | None => FileState::Changing,
    }
}

fn digest(path: &Path) -> io::Result<Hash> {
    let mut file = File::open(path)?.take(MAX_HASHED_SIZE + 1);
    let mut hasher = Sha256::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => hasher.update(&buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let mut hash = Hash::default();
    hash.copy_from_slice(&hasher.finalize()[..16]);
    Ok(hash)
}
