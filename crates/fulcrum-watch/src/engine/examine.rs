//! From a signal to what is told of one file.

use std::fs;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::{Engine, Known};
use crate::content::{Look, SKEWED, Seen, look};
use crate::settle::{Half, Touch};
use crate::system::System;
use crate::{Change, Kind};

impl<S: System> Engine<S> {
    /// Something has happened to the content of a file.
    pub(super) fn touched(&mut self, real: &Path, touch: Touch, now: Instant) {
        for path in self.names(real) {
            self.settling.touch(path, touch, now);
        }
    }

    /// Something new has this name.
    pub(super) fn arrived(&mut self, real: &Path, touch: Touch, now: Instant) {
        if is_folder(real) {
            self.drop_watches(real);
            return self.folder_arrived(real, now);
        }
        // Nobody closes a link.
        let is_link = real.is_symlink();
        if is_link {
            self.links_moved(now);
        }
        self.touched(real, if is_link { Touch::Whole } else { touch }, now);
    }

    /// Nothing has this name any more, nor any that begins with it.
    pub(super) fn gone(&mut self, real: &Path, now: Instant) {
        self.drop_watches(real);
        if !self.links.is_empty() {
            self.links_moved(now);
        }
        for path in self.plan.asked(real) {
            let below: Vec<PathBuf> = self
                .known
                .range::<Path, _>((Bound::Included(path.as_path()), Bound::Unbounded))
                .map(|(known, _)| known)
                .take_while(|known| known.starts_with(&path))
                .cloned()
                .collect();
            for known in below {
                self.settling.touch(known, Touch::Whole, now);
            }
        }
        self.touched(real, Touch::Whole, now);
        // Another folder may have taken the name, and been told of first: one that is renamed over
        // an empty one comes before that one goes.
        if is_folder(real) {
            self.folder_arrived(real, now);
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
            self.settling.touch(link.clone(), Touch::Whole, now);
        }
    }

    /// The files that are meant by a real path and known, or wanted.
    fn names(&mut self, real: &Path) -> Vec<PathBuf> {
        let mut names = self.plan.asked(real);
        names.retain(|name| self.known.contains_key(name) || !self.plan.claims(name).is_empty());
        names.extend(
            self.links
                .iter()
                .filter(|(_, target)| target.as_path() == real)
                .map(|(link, _)| link.clone()),
        );
        names
    }

    /// Looks at a file that was touched, and tells of it if its content is another.
    pub(super) fn examine(&mut self, path: &Path, now: Instant) {
        let keys = self.plan.claims(path);
        if keys.is_empty() {
            self.known.remove(path);
            self.links.remove(path);
            return self.settling.done(path);
        }
        let known = self.known.get(path).copied();
        let kind = match (look(path), known) {
            (Look::Unstable, _) => return self.settling.again(path, now),
            (Look::Absent, None) => return self.settling.done(path),
            (Look::Absent, Some(_)) => {
                if !self.settling.hold(path, Half::Gone, now) {
                    return;
                }
                self.known.remove(path);
                self.links.remove(path);
                Kind::Removed
            }
            (Look::File(seen), None) => {
                if !self.settling.hold(path, Half::New, now) {
                    return;
                }
                self.know(path, seen);
                Kind::Created
            }
            (Look::File(seen), Some(known)) => {
                let differs = seen.differs(&Seen {
                    stamp: known.stamp,
                    hash: known.hash,
                });
                let emptied = differs && seen.stamp.len == 0 && known.stamp.len > 0;
                if emptied && !self.settling.hold(path, Half::Empty, now) {
                    return;
                }
                self.know(path, seen);
                if !differs && !self.was_read_meanwhile(path, now) {
                    return self.settling.done(path);
                }
                Kind::Modified
            }
        };
        self.settling.done(path);
        self.told = Some(now);
        self.outbox.change(Change {
            path: path.to_owned(),
            kind,
            keys,
        });
    }

    /// May somebody have read the file as it was for a moment? If a change was told then, what was
    /// set off by it may have met another content, or none, and has to be told of this one.
    fn was_read_meanwhile(&self, path: &Path, now: Instant) -> bool {
        let told = self.told.filter(|told| *told < now);
        told.zip(self.settling.doubtful_since(path))
            .is_some_and(|(told, since)| told > since)
    }

    /// From now on this is what the file is.
    pub(super) fn know(&mut self, path: &Path, seen: Seen) {
        self.known.insert(
            path.to_owned(),
            Known {
                stamp: seen.stamp,
                hash: seen.hash,
                racy: seen.stamp.is_younger(SKEWED),
            },
        );
        self.follow(path);
    }
}

/// Is there a folder, not a link to one?
fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir())
}
