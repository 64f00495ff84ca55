//! The lock of a store: only one may be open in a directory.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The locked file in the directory of the store.
const FILE: &str = "lock";

/// How long the lock may take: the threads of a store that was just closed end soon.
const ATTEMPTS: u32 = 100;
const RETRY_INTERVAL: Duration = Duration::from_millis(10);

/// Proof that nobody else writes to a store. Shared by the threads that write; the last one releases
/// it.
#[derive(Debug)]
pub(super) struct StoreLock {
    path: PathBuf,
    file: Mutex<Option<File>>,
}

impl StoreLock {
    /// Takes the lock of the store in `dir`. Blocks for up to a second.
    ///
    /// # Errors
    /// Another process writes to the store, or the file cannot be locked.
    pub(super) fn take(dir: &Path) -> io::Result<Self> {
        let path = dir.join(FILE);
        let file = match take(&path, ATTEMPTS) {
            Ok(file) => Some(file),
            // Nobody can write there now, this store included, which reports it at its first line.
            Err(error) if cannot_be_written(&error) => None,
            Err(error) => return Err(error),
        };
        let file = Mutex::new(file);
        Ok(Self { path, file })
    }

    /// Takes the lock again if its file was deleted, such as with all of the store.
    ///
    /// # Errors
    /// Another process writes to the store meanwhile, or the file cannot be locked.
    pub(super) fn ensure(&self) -> io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if !file.as_ref().is_some_and(|file| is_at(file, &self.path)) {
            *file = Some(take(&self.path, 1)?);
        }
        Ok(())
    }
}

/// A disk that is full or read-only, which may change.
fn cannot_be_written(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(
        error.kind(),
        QuotaExceeded | ReadOnlyFilesystem | StorageFull
    )
}

#[expect(
    clippy::disallowed_methods,
    reason = "there is no event for the release of a lock, and waiting in flock has no limit"
)]
fn take(path: &Path, attempts: u32) -> io::Result<File> {
    let mut left = attempts;
    loop {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(super::segment::FILE_MODE)
            .custom_flags(libc::O_NOFOLLOW)
            .open(path)?;
        match file.try_lock() {
            Ok(()) if is_at(&file, path) => return Ok(file),
            // It was deleted in between.
            Ok(()) => {}
            Err(TryLockError::WouldBlock) if left > 1 => std::thread::sleep(RETRY_INTERVAL),
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::new(
                    io::ErrorKind::ResourceBusy,
                    "another process writes to it",
                ));
            }
            Err(TryLockError::Error(error)) => {
                let text = format!("cannot lock {}: {error}", path.display());
                return Err(io::Error::new(error.kind(), text));
            }
        }
        left = left.saturating_sub(1);
        if left == 0 {
            return Err(io::Error::other(format!(
                "{} is deleted again and again",
                path.display()
            )));
        }
    }
}

fn is_at(file: &File, path: &Path) -> bool {
    let identity = |found: std::fs::Metadata| (found.dev(), found.ino());
    match (file.metadata(), path.symlink_metadata()) {
        (Ok(open), Ok(found)) => identity(open) == identity(found),
        _ => false,
    }
}
