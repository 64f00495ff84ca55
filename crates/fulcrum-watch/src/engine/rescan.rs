//! Looking at everything: at the start, for a new folder, after lost notifications, when polling.

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

/// What is there.
#[derive(Debug, Default)]
struct ScanResult {
    files: BTreeMap<PathBuf, ScannedFile>,
    /// Real ones.
    folders: BTreeSet<PathBuf>,
}

#[derive(Debug, Clone, Copy)]
struct ScannedFile {
    stamp: FileStamp,
    is_link: bool,
}

impl<S: Notifier> Engine<S> {
    /// Looks at all there is. What isn't known yet is known from now on, if `accept`, or else new.
    pub(super) fn scan_all(&mut self, accept: bool, now: Instant) {
        self.plan.resolve();
        let mut found = ScanResult::default();
        for anchor in self.plan.parent_dirs.clone() {
            self.watch(&anchor);
            found.folders.insert(anchor);
        }
        for index in 0..self.plan.roots.len() {
            let root = &self.plan.roots[index];
            let asked = root.requested.clone();
            if root.canonical.is_none() {
                continue;
            }
            if root.rules.is_some() {
                self.walk(index, asked, &mut found);
            } else if let Some(stamp) = stamp(&asked) {
                let is_link = asked.is_symlink();
                found.files.insert(asked, ScannedFile { stamp, is_link });
            }
        }
        self.diff(&found, accept, now);
        for path in self.known.keys() {
            if !found.files.contains_key(path) {
                self.settling.touch(path.clone(), WriteState::Complete, now);
            }
        }
        for link in self.links.keys().cloned().collect::<Vec<_>>() {
            self.follow(&link);
        }
        for target in self.links.values() {
            found.folders.extend(target.parent().map(Path::to_owned));
        }
        let unneeded: Vec<PathBuf> = self.watched.difference(&found.folders).cloned().collect();
        for folder in unneeded {
            self.watched.remove(&folder);
            if let Some(system) = &mut self.system {
                system.unwatch(&folder);
            }
        }
    }

    /// A folder is there that wasn't, or wasn't there before.
    pub(super) fn on_directory_created(&mut self, real: &Path, now: Instant) {
        let mut found = ScanResult::default();
        for index in 0..self.plan.roots.len() {
            let root = &self.plan.roots[index];
            let (Some(at), Some(rules)) = (&root.canonical, &root.rules) else {
                continue;
            };
            let Ok(rest) = real.strip_prefix(at) else {
                continue;
            };
            let folder = root.requested.join(rest);
            if rest.as_os_str().is_empty() || rules.is_watched(&folder, true, &mut self.plan.files)
            {
                self.walk(index, folder, &mut found);
            }
        }
        self.diff(&found, false, now);
    }

    /// Watches and lists a folder of a tree and all that are wanted in it. Each is watched before
    /// it is listed: what comes in between is told twice rather than never.
    fn walk(&mut self, index: usize, folder: PathBuf, found: &mut ScanResult) {
        let mut open = vec![folder];
        while let Some(folder) = open.pop() {
            let ResolvedSpec { roots, files, .. } = &mut self.plan;
            let Root {
                requested: asked,
                canonical: real,
                rules,
                ..
            } = &roots[index];
            let (Some(real), Some(rules)) = (real, rules) else {
                return;
            };
            let at = match folder.strip_prefix(asked) {
                Ok(rest) if rest.as_os_str().is_empty() => real.clone(),
                Ok(rest) => real.join(rest),
                Err(_) => continue,
            };
            let chain = rules.chain(&folder, files);
            self.watch(&at);
            found.folders.insert(at);
            let Ok(entries) = fs::read_dir(&folder) else {
                continue;
            };
            for entry in entries.flatten() {
                let Ok(kind) = entry.file_type() else {
                    continue;
                };
                let path = entry.path();
                let rules = self.plan.roots[index].rules.as_ref();
                if !rules.is_some_and(|rules| rules.is_entry_watched(&path, kind.is_dir(), &chain))
                {
                    continue;
                }
                if kind.is_dir() {
                    open.push(path);
                } else if let Some(stamp) = stamp(&path) {
                    let is_link = kind.is_symlink();
                    found.files.insert(path, ScannedFile { stamp, is_link });
                }
            }
        }
    }

    /// Takes in what was found.
    fn diff(&mut self, found: &ScanResult, accept: bool, now: Instant) {
        for (path, entry) in &found.files {
            match self.known.get(path) {
                Some(known) if known.stamp == entry.stamp && !known.racy => {}
                Some(_) => self.settling.touch(path.clone(), WriteState::Unknown, now),
                // What is about to be told as new stays so.
                None if accept && !self.settling.has(path) => self.accept(path, *entry),
                None => self.settling.touch(path.clone(), WriteState::Unknown, now),
            }
        }
    }

    /// A file is known as it is. It is read later, but if its stamp proves nothing.
    fn accept(&mut self, path: &Path, ScannedFile { stamp, is_link }: ScannedFile) {
        if stamp.is_younger(TIME_GRANULARITY)
            && let FileState::Present(seen) = read_state(path)
        {
            return self.record_version(path, seen);
        }
        let known = KnownFile {
            stamp,
            hash: None,
            racy: false,
        };
        self.known.insert(path.to_owned(), known);
        self.unread.push(path.to_owned());
        if is_link {
            self.follow(path);
        }
    }

    /// Notes where a file leads that is a link, and watches the folder of that, too.
    pub(super) fn follow(&mut self, path: &Path) {
        let target = path.is_symlink().then(|| fs::canonicalize(path).ok());
        let Some(target) = target.flatten() else {
            self.links.remove(path);
            return;
        };
        if let Some(folder) = target.parent() {
            self.watch(folder);
        }
        self.links.insert(path.to_owned(), target);
    }

    /// Asks for a folder's notifications, unless we have them or poll.
    pub(super) fn watch(&mut self, folder: &Path) {
        let Some(system) = &mut self.system else {
            return;
        };
        if self.watched.contains(folder) || self.exhausted.is_some() {
            return;
        }
        match system.watch(folder) {
            Ok(()) => {
                self.watched.insert(folder.to_owned());
            }
            Err(WatchFailure::Gone) => {}
            Err(WatchFailure::LimitReached(exhausted)) => self.exhausted = Some(exhausted),
            Err(WatchFailure::Other(why)) => {
                if self.unwatchable.insert(folder.to_owned()) {
                    self.outbox.notice(WatchStatus::WatchFailed {
                        folder: folder.to_owned(),
                        why,
                    });
                }
            }
        }
    }
}
