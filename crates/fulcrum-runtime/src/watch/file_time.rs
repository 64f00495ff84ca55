//! When a file was last changed.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::clock;

/// When a file was last changed, by its own metadata, which may be a while before the change is
/// noticed. `None` if it does not exist.
pub(crate) fn modified_at(path: &Path, now: Instant) -> Option<Instant> {
    changed_at(&fs::metadata(path).ok()?, now)
}

/// When a symbolic link itself was created or replaced.
pub(crate) fn link_changed_at(link: &Path, now: Instant) -> Option<Instant> {
    changed_at(&fs::symlink_metadata(link).ok()?, now)
}

/// The same as a time of the system's clock.
pub(crate) fn system_time_of_change(path: &Path) -> Option<SystemTime> {
    change_time(&fs::metadata(path).ok()?)
}

fn changed_at(metadata: &Metadata, now: Instant) -> Option<Instant> {
    // If the clock was set back, the file counts as changed now.
    let age = clock::now().duration_since(change_time(metadata)?);
    now.checked_sub(age.unwrap_or_default())
}

fn change_time(metadata: &Metadata) -> Option<SystemTime> {
    let (seconds, nanoseconds) = (metadata.ctime(), metadata.ctime_nsec());
    let since_epoch = Duration::new(seconds.try_into().ok()?, nanoseconds.try_into().ok()?);
    Some(UNIX_EPOCH + since_epoch)
}
