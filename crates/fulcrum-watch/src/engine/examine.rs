//! From a signal to what is told of one file.

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
    /// Something has happened to the content of a file.
    pub(super) fn on_write(&mut self, real: &Path, touch: WriteState, now: Instant) {
        for path in self.watched_paths(real) {
            self.settling.touch(path, touch, now);
        }
    }

    /// Something new has this name.
    pub(super) fn on_create(&mut self, real: &Path, touch: WriteState, now: Instant) {
        if is_folder(real) {
            self.drop_watches(real);
            return self.on_directory_created(real, now);
        }
        // Nobody closes a link.
        let is_link = real.is_symlink();
        if is_link {
            self.links_moved(now);
        }
        self.on_write(
            real,
            if is_link { WriteState::Complete } else { touch },
            now,
        );
    }

    /// Nothing has this name any more, nor any that begins with it.
    pub(super) fn on_remove(&mut self, real: &Path, now: Instant) {
        self.drop_watches(real);
        if !self.links.is_empty() {
            self.links_moved(now);
        }
        for path in self.plan.requested(real) {
            let below: Vec<PathBuf> = self
                .known
                .range::<Path, _>((Bound::Included(path.as_path()), Bound::Unbounded))
                .map(|(known, _)| known)
                .take_while(|known| known.starts_with(&path))
                .cloned()
                .collect();
            for known in below {
                self.settling.touch(known, WriteState::Complete, now);
            }
        }
        self.on_write(real, WriteState::Complete, now);
        // Another folder may have taken the name, and been told of first: one that is renamed over
        // an empty one comes before that one goes.
        if is_folder(real) {
            self.on_directory_created(real, now);
        }
    }

    /// What is watched at a path and below it isn't what is there now, or won't be for long.
    fn drop_watches(&mut self, real: &Path) {
        let lost: Vec<PathBuf> = self
            .watched
            .range::<Path, _>((Bound::Included(real), Bound::Unbounded))
            .take_while(|folder| folder.starts_with(real))
            .cloned()
            .collect();
        for folder in lost {
            self.watched.remove(&folder);
            if let Some(system) = &mut self.system {
                system.unwatch(&folder);
            }
        }
    }

    /// Every link may lead elsewhere now: they may go through the one that was swapped.
    fn links_moved(&mut self, now: Instant) {
        for link in self.links.keys() {
            self.settling.touch(link.clone(), WriteState::Complete, now);
        }
    }

    /// The files that are meant by a real path and known, or wanted.
    fn watched_paths(&mut self, real: &Path) -> Vec<PathBuf> {
        let mut names = self.plan.requested(real);
        names.retain(|name| self.known.contains_key(name) || !self.plan.keys_for(name).is_empty());
        names.extend(
            self.links
                .iter()
                .filter(|(_, target)| target.as_path() == real)
                .map(|(link, _)| link.clone()),
        );
        names
    }

    /// Looks at a file that was touched, and tells of it if its content is another.
    pub(super) fn check_file(&mut self, path: &Path, now: Instant) {
        let keys = self.plan.keys_for(path);
        if keys.is_empty() {
            self.known.remove(path);
            self.links.remove(path);
            return self.settling.done(path);
        }
        let known = self.known.get(path).copied();
        let kind = match (read_state(path), known) {
            (FileState::Changing, _) => return self.settling.again(path, now),
            (FileState::Missing, None) => return self.settling.done(path),
            (FileState::Missing, Some(_)) => {
                if !self.settling.defer(path, PartialSave::Removed, now) {
                    return;
                }
                self.known.remove(path);
                self.links.remove(path);
                ChangeKind::Removed
            }
            (FileState::Present(seen), None) => {
                if !self.settling.defer(path, PartialSave::New, now) {
                    return;
                }
                self.record_version(path, seen);
                ChangeKind::Created
            }
            (FileState::Present(seen), Some(known)) => {
                let differs = seen.differs(&FileVersion {
                    stamp: known.stamp,
                    hash: known.hash,
                });
                let emptied = differs && seen.stamp.len == 0 && known.stamp.len > 0;
                if emptied && !self.settling.defer(path, PartialSave::Empty, now) {
                    return;
                }
                self.record_version(path, seen);
                if !differs && !self.may_have_been_read(path, now) {
                    return self.settling.done(path);
                }
                ChangeKind::Modified
            }
        };
        self.settling.done(path);
        self.last_reported = Some(now);
        self.outbox.change(Change {
            path: path.to_owned(),
            kind,
            keys,
        });
    }

    /// May somebody have read the file as it was for a moment? If a change was told then, what was
    /// set off by it may have met another content, or none, and has to be told of this one.
    fn may_have_been_read(&self, path: &Path, now: Instant) -> bool {
        let told = self.last_reported.filter(|told| *told < now);
        told.zip(self.settling.uncertain_since(path))
            .is_some_and(|(told, since)| told > since)
    }

    /// From now on this is what the file is.
    pub(super) fn record_version(&mut self, path: &Path, seen: FileVersion) {
        self.known.insert(
            path.to_owned(),
            KnownFile {
                stamp: seen.stamp,
                hash: seen.hash,
                racy: seen.stamp.is_younger(REMOTE_CLOCK_SKEW),
            },
        );
        self.follow(path);
    }
}

/// Is there a folder, not a link to one?
fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir())
}
