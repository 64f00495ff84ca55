//! From a notification to the change of one file.

use std::fs;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::{Engine, KnownFile};
use crate::change::{Change, ChangeKind};
use crate::content::{FileState, FileVersion, REMOTE_CLOCK_SKEW, read_state};
use crate::notifier::Notifier;
use crate::write_settling::{PartialSave, WriteState};

impl<S: Notifier> Engine<S> {
    /// Handles a write to a file.
    pub(super) fn on_write(&mut self, real: &Path, state: WriteState, now: Instant) {
        for path in self.watched_paths(real) {
            self.writes.touch(path, state, now);
        }
    }

    /// Handles a path that has appeared.
    pub(super) fn on_create(&mut self, real: &Path, state: WriteState, now: Instant) {
        if is_dir(real) {
            self.drop_watches(real);
            return self.on_directory_created(real, now);
        }
        // A link is complete at once: it is never written and closed.
        let is_link = real.is_symlink();
        if is_link {
            self.recheck_links(now);
        }
        self.on_write(
            real,
            if is_link { WriteState::Complete } else { state },
            now,
        );
    }

    /// Handles a path that has disappeared, with all paths below it.
    pub(super) fn on_remove(&mut self, real: &Path, now: Instant) {
        self.drop_watches(real);
        if !self.links.is_empty() {
            self.recheck_links(now);
        }
        for path in self.spec.requested(real) {
            let below: Vec<PathBuf> = self
                .known
                .range::<Path, _>((Bound::Included(path.as_path()), Bound::Unbounded))
                .map(|(known, _)| known)
                .take_while(|known| known.starts_with(&path))
                .cloned()
                .collect();
            for known in below {
                self.writes.touch(known, WriteState::Complete, now);
            }
        }
        self.on_write(real, WriteState::Complete, now);
        // Another directory may exist there already: the notification of a directory that is renamed
        // over an empty one arrives before the one of the removal.
        if is_dir(real) {
            self.on_directory_created(real, now);
        }
    }

    /// Removes the watches at and below a path that was replaced or removed.
    fn drop_watches(&mut self, real: &Path) {
        let dropped: Vec<PathBuf> = self
            .watched
            .range::<Path, _>((Bound::Included(real), Bound::Unbounded))
            .take_while(|dir| dir.starts_with(real))
            .cloned()
            .collect();
        for dir in dropped {
            self.watched.remove(&dir);
            if let Some(notifier) = &mut self.notifier {
                notifier.unwatch(&dir);
            }
        }
    }

    /// Checks every link again: its target may depend on the link that was replaced.
    fn recheck_links(&mut self, now: Instant) {
        for link in self.links.keys() {
            self.writes.touch(link.clone(), WriteState::Complete, now);
        }
    }

    /// The watched or known paths that correspond to a canonical path.
    fn watched_paths(&mut self, real: &Path) -> Vec<PathBuf> {
        let mut paths = self.spec.requested(real);
        paths.retain(|path| self.known.contains_key(path) || !self.spec.keys_for(path).is_empty());
        paths.extend(
            self.links
                .iter()
                .filter(|(_, target)| target.as_path() == real)
                .map(|(link, _)| link.clone()),
        );
        paths
    }

    /// Checks a file that was touched, and reports it if its content has changed.
    pub(super) fn check_file(&mut self, path: &Path, now: Instant) {
        let keys = self.spec.keys_for(path);
        if keys.is_empty() {
            self.known.remove(path);
            self.links.remove(path);
            return self.writes.done(path);
        }
        let known = self.known.get(path).copied();
        let kind = match (read_state(path), known) {
            (FileState::Changing, _) => return self.writes.retry(path, now),
            (FileState::Missing, None) => return self.writes.done(path),
            (FileState::Missing, Some(_)) => {
                if !self.writes.defer(path, PartialSave::Removed, now) {
                    return;
                }
                self.known.remove(path);
                self.links.remove(path);
                ChangeKind::Removed
            }
            (FileState::Present(version), None) => {
                if !self.writes.defer(path, PartialSave::New, now) {
                    return;
                }
                self.record_version(path, version);
                ChangeKind::Created
            }
            (FileState::Present(version), Some(known)) => {
                let differs = version.differs(&FileVersion {
                    stamp: known.stamp,
                    hash: known.hash,
                });
                let emptied = differs && version.stamp.len == 0 && known.stamp.len > 0;
                if emptied && !self.writes.defer(path, PartialSave::Empty, now) {
                    return;
                }
                self.record_version(path, version);
                if !differs && !self.may_have_been_read(path, now) {
                    return self.writes.done(path);
                }
                ChangeKind::Modified
            }
        };
        self.writes.done(path);
        self.last_reported = Some(now);
        self.queue.push_change(Change {
            path: path.to_owned(),
            kind,
            keys,
        });
    }

    /// Whether a process may have read the file in an intermediate state: a change that was reported
    /// meanwhile may have started one, which then needs to learn of the final content.
    fn may_have_been_read(&self, path: &Path, now: Instant) -> bool {
        let reported = self.last_reported.filter(|reported| *reported < now);
        reported
            .zip(self.writes.uncertain_since(path))
            .is_some_and(|(reported, since)| reported > since)
    }

    /// Stores a version of a file as known.
    pub(super) fn record_version(&mut self, path: &Path, version: FileVersion) {
        self.known.insert(
            path.to_owned(),
            KnownFile {
                stamp: version.stamp,
                hash: version.hash,
                racy: version.stamp.is_younger(REMOTE_CLOCK_SKEW),
            },
        );
        self.track_link(path);
    }
}

/// Whether the path is a directory, and not a link to one.
fn is_dir(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir())
}
