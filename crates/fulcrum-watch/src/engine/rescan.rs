//! Scans: at the start, for a new directory, after lost notifications, and when polling.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::{Engine, KnownFile};
use crate::change::WatchStatus;
use crate::content::{FileStamp, FileState, TIME_GRANULARITY, read_state, stamp};
use crate::notifier::{Notifier, WatchFailure};
use crate::resolved_spec::{ResolvedSpec, Root};
use crate::write_settling::WriteState;

/// What a scan has found.
#[derive(Debug, Default)]
struct ScanResult {
    files: BTreeMap<PathBuf, ScannedFile>,
    /// Canonical paths.
    dirs: BTreeSet<PathBuf>,
}

#[derive(Debug, Clone, Copy)]
struct ScannedFile {
    stamp: FileStamp,
    is_link: bool,
}

impl<S: Notifier> Engine<S> {
    /// Scans all watched directories and files. An unknown file is taken as known if `is_accepted`,
    /// and reported as created otherwise.
    pub(super) fn scan_all(&mut self, is_accepted: impl FnMut(&Path) -> bool, now: Instant) {
        self.spec.resolve();
        let mut found = ScanResult::default();
        for dir in self.spec.parent_dirs.clone() {
            self.watch(&dir);
            found.dirs.insert(dir);
        }
        for index in 0..self.spec.roots.len() {
            let root = &self.spec.roots[index];
            let requested = root.requested.clone();
            if root.canonical.is_none() {
                continue;
            }
            if root.rules.is_some() {
                self.walk(index, requested, &mut found);
            } else if let Some(stamp) = stamp(&requested) {
                let is_link = requested.is_symlink();
                found
                    .files
                    .insert(requested, ScannedFile { stamp, is_link });
            }
        }
        self.diff(&found, is_accepted, now);
        for path in self.known.keys() {
            if !found.files.contains_key(path) {
                self.writes.touch(path.clone(), WriteState::Complete, now);
            }
        }
        for link in self.links.keys().cloned().collect::<Vec<_>>() {
            self.track_link(&link);
        }
        for target in self.links.values() {
            found.dirs.extend(target.parent().map(Path::to_owned));
        }
        let unneeded: Vec<PathBuf> = self.watched.difference(&found.dirs).cloned().collect();
        for dir in unneeded {
            self.watched.remove(&dir);
            if let Some(notifier) = &mut self.notifier {
                notifier.unwatch(&dir);
            }
        }
    }

    /// Scans a directory that was created, or moved here.
    pub(super) fn on_directory_created(&mut self, real: &Path, now: Instant) {
        let mut found = ScanResult::default();
        for index in 0..self.spec.roots.len() {
            let root = &self.spec.roots[index];
            let (Some(at), Some(rules)) = (&root.canonical, &root.rules) else {
                continue;
            };
            let Ok(rest) = real.strip_prefix(at) else {
                continue;
            };
            let dir = root.requested.join(rest);
            if rest.as_os_str().is_empty() || rules.is_watched(&dir, true, &mut self.spec.files) {
                self.walk(index, dir, &mut found);
            }
        }
        self.diff(&found, |_| false, now);
    }

    /// Watches and lists a directory and the watched ones below it. Each is watched before it is
    /// listed, so that a file created in between is seen twice rather than never.
    fn walk(&mut self, index: usize, dir: PathBuf, found: &mut ScanResult) {
        let mut pending = vec![dir];
        while let Some(dir) = pending.pop() {
            let ResolvedSpec { roots, files, .. } = &mut self.spec;
            let Root {
                requested,
                canonical: real,
                rules,
                ..
            } = &roots[index];
            let (Some(real), Some(rules)) = (real, rules) else {
                return;
            };
            let at = match dir.strip_prefix(requested) {
                Ok(rest) if rest.as_os_str().is_empty() => real.clone(),
                Ok(rest) => real.join(rest),
                Err(_) => continue,
            };
            let chain = rules.chain(&dir, files);
            self.watch(&at);
            found.dirs.insert(at);
            let Ok(entries) = fs::read_dir(&dir) else {
                continue;
            };
            for entry in entries.flatten() {
                let Ok(file_type) = entry.file_type() else {
                    continue;
                };
                let path = entry.path();
                let rules = self.spec.roots[index].rules.as_ref();
                if !rules
                    .is_some_and(|rules| rules.is_entry_watched(&path, file_type.is_dir(), &chain))
                {
                    continue;
                }
                if file_type.is_dir() {
                    pending.push(path);
                } else if let Some(stamp) = stamp(&path) {
                    let is_link = file_type.is_symlink();
                    found.files.insert(path, ScannedFile { stamp, is_link });
                }
            }
        }
    }

    /// Compares a scan with the known files.
    fn diff(
        &mut self,
        found: &ScanResult,
        mut is_accepted: impl FnMut(&Path) -> bool,
        now: Instant,
    ) {
        for (path, entry) in &found.files {
            match self.known.get(path) {
                Some(known) if known.stamp == entry.stamp && !known.racy => {}
                Some(_) => self.writes.touch(path.clone(), WriteState::Unknown, now),
                // A file that is about to be reported as created stays so.
                None if !self.writes.contains(path) && is_accepted(path) => {
                    self.accept(path, *entry);
                }
                None => self.writes.touch(path.clone(), WriteState::Unknown, now),
            }
        }
    }

    /// Takes a file as known. It is read later, unless it was written a moment ago.
    fn accept(&mut self, path: &Path, ScannedFile { stamp, is_link }: ScannedFile) {
        if stamp.is_younger(TIME_GRANULARITY)
            && let FileState::Present(version) = read_state(path)
        {
            return self.record_version(path, version);
        }
        let known = KnownFile {
            stamp,
            hash: None,
            racy: false,
        };
        self.known.insert(path.to_owned(), known);
        self.unread.push(path.to_owned());
        if is_link {
            self.track_link(path);
        }
    }

    /// Records the target of a file that is a link, and watches the target's directory.
    pub(super) fn track_link(&mut self, path: &Path) {
        let target = path.is_symlink().then(|| fs::canonicalize(path).ok());
        let Some(target) = target.flatten() else {
            self.links.remove(path);
            return;
        };
        if let Some(dir) = target.parent() {
            self.watch(dir);
        }
        self.links.insert(path.to_owned(), target);
    }

    /// Requests a directory's notifications, unless it is watched already or files are polled.
    pub(super) fn watch(&mut self, dir: &Path) {
        let Some(notifier) = &mut self.notifier else {
            return;
        };
        if self.watched.contains(dir) || self.limit_reached.is_some() {
            return;
        }
        match notifier.watch(dir) {
            Ok(()) => {
                self.watched.insert(dir.to_owned());
            }
            Err(WatchFailure::Gone) => {}
            Err(WatchFailure::LimitReached(limit_reached)) => {
                self.limit_reached = Some(limit_reached)
            }
            Err(WatchFailure::Other(reason)) => {
                if self.unwatchable.insert(dir.to_owned()) {
                    self.queue.push_status(WatchStatus::WatchFailed {
                        dir: dir.to_owned(),
                        reason,
                    });
                }
            }
        }
    }
}
