//! The state of all watched files, and the changes that follow from notifications and scans.
//!
//! Paths are those of the caller's spec ([`ResolvedSpec::requested`]). Only the paths that the
//! notifier gets and sends are canonical.

mod examine;
mod rescan;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::change::WatchStatus;
use crate::content::{FileStamp, FileState, Hash, read_state};
use crate::event_queue::EventQueue;
use crate::notifier::{FsEvent, LimitReached, Notifier};
use crate::resolved_spec::ResolvedSpec;
use crate::spec::WatchOptions;
use crate::write_settling::{PendingWrites, WriteState};

/// The delay of a scan after a root has moved, so that several moves (such as `rm -r` and
/// `git clone`) lead to one scan.
const MOVE_DELAY: Duration = Duration::from_millis(10);

/// The delay of a scan after lost_since notifications, renewed with each further loss.
const OVERFLOW_DELAY: Duration = Duration::from_millis(100);

/// The longest delay of a scan after the first loss of notifications.
const MAX_OVERFLOW_DELAY: Duration = Duration::from_secs(1);

/// Scans take at most one part in this many of the time.
const MAX_SCAN_SHARE: u32 = 50;

/// The number of files that are checked before the next events and the clock are read.
const BATCH: usize = 32;

/// A file as it was last reported, or found at the start.
#[derive(Debug, Clone, Copy)]
struct KnownFile {
    stamp: FileStamp,
    hash: Option<Hash>,
    /// The file may have been written again with the same stamp.
    racy: bool,
}

/// A scan that is scheduled.
#[derive(Debug, Clone, Copy)]
struct ScheduledScan {
    at: Instant,
    /// The time of the first lost_since notification, if any was lost_since.
    lost_since: Option<Instant>,
}

/// Watching, without a thread and a clock.
pub(crate) struct Engine<S> {
    /// `None` while polling.
    notifier: Option<S>,
    options: WatchOptions,
    spec: ResolvedSpec,
    known: BTreeMap<PathBuf, KnownFile>,
    /// Known files that are symbolic links, and their targets.
    links: BTreeMap<PathBuf, PathBuf>,
    watched: BTreeSet<PathBuf>,
    unwatchable: BTreeSet<PathBuf>,
    /// A limit of the system is reached, and polling is about to start.
    limit_reached: Option<LimitReached>,
    writes: PendingWrites,
    /// Files whose content is not hashed yet.
    unread: Vec<PathBuf>,
    /// When hashing started; `None` once `Ready` has been reported.
    hashing: Option<Instant>,
    rescan: Option<ScheduledScan>,
    poll: Option<Instant>,
    /// When a change was last reported.
    last_reported: Option<Instant>,
    pub(crate) queue: EventQueue,
}

impl<S: Notifier> Engine<S> {
    /// Takes the files on disk as known. Polls if there is no notifier.
    pub(crate) fn new(
        spec: ResolvedSpec,
        notifier: Result<S, LimitReached>,
        options: WatchOptions,
        now: Instant,
    ) -> Self {
        let mut engine = Self {
            notifier: None,
            options,
            spec,
            known: BTreeMap::new(),
            links: BTreeMap::new(),
            watched: BTreeSet::new(),
            unwatchable: BTreeSet::new(),
            limit_reached: None,
            writes: PendingWrites::default(),
            unread: Vec::new(),
            hashing: Some(now),
            rescan: None,
            poll: None,
            last_reported: None,
            queue: EventQueue::default(),
        };
        match (options.poll, notifier) {
            (Some(_), _) => engine.poll = Some(now + engine.interval()),
            (None, Ok(notifier)) => engine.notifier = Some(notifier),
            (None, Err(limit_reached)) => engine.limit_reached = Some(limit_reached),
        }
        engine.scan_all(|_| true, now);
        engine.fall_back_to_polling(now);
        engine
    }

    /// Replaces the spec. Files that the old one did not include are known as they are now; removed
    /// ones are no longer reported.
    pub(crate) fn update(&mut self, spec: ResolvedSpec, now: Instant) {
        let mut before = std::mem::replace(&mut self.spec, spec);
        self.hashing.get_or_insert(now);
        // An unknown file that was watched already was created a moment ago, and its notification is
        // still to come; by then it would be known, and never be reported.
        self.scan_all(|path| before.keys_for(path).is_empty(), now);
        self.fall_back_to_polling(now);
    }

    /// Handles a notification.
    pub(crate) fn on_event(&mut self, event: FsEvent, now: Instant) {
        match event {
            FsEvent::Lost => self.schedule_rescan(now),
            FsEvent::Written(path) => self.on_write(&path, WriteState::InProgress, now),
            FsEvent::Closed(path) => {
                self.on_ignore_changed(&path, now);
                self.on_write(&path, WriteState::Complete, now);
            }
            FsEvent::Created(path) => {
                self.on_root_moved(&path, now);
                self.on_create(&path, WriteState::InProgress, now);
            }
            FsEvent::Arrived(path) => {
                self.on_root_moved(&path, now);
                self.on_create(&path, WriteState::Complete, now);
            }
            FsEvent::Gone(path) => {
                self.on_root_moved(&path, now);
                self.on_remove(&path, now);
            }
        }
    }

    /// Executes what is due.
    pub(crate) fn tick(&mut self, now: Instant) {
        if let Some(due) = self.rescan.take_if(|due| due.at <= now) {
            if due.lost_since.is_some() {
                // Directories may have been replaced unnoticed, and their watches with them.
                self.watched.clear();
            }
            self.scan_all(|_| false, now);
            if due.lost_since.is_some() {
                self.queue.push_status(WatchStatus::Rescanned);
            }
        }
        if self.poll.is_some_and(|at| at <= now) {
            self.scan_all(|_| false, now);
        }
        for path in self.writes.due(now, BATCH) {
            self.check_file(&path, now);
        }
        self.queue.pending = self.writes.len();
        self.fall_back_to_polling(now);
    }

    /// When something is due next, if no event arrives before.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        [
            self.rescan.map(|due| due.at),
            self.poll,
            self.writes.deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Schedules the next poll after a tick that took from `started` to `now`, so that polling
    /// keeps within its share of the time.
    pub(crate) fn polled(&mut self, started: Instant, now: Instant) {
        if self.poll.is_some_and(|at| at <= started) {
            let elapsed = now.saturating_duration_since(started);
            self.poll = Some(now + self.interval().max(elapsed * MAX_SCAN_SHARE));
        }
    }

    /// Whether the content of any file is not known yet.
    pub(crate) fn is_hashing(&self) -> bool {
        self.hashing.is_some()
    }

    /// Reads one file whose content is not known yet.
    pub(crate) fn hash_next(&mut self, now: Instant) {
        while let Some(path) = self.unread.pop() {
            let Some(known) = self
                .known
                .get_mut(&path)
                .filter(|known| known.hash.is_none())
            else {
                continue;
            };
            match read_state(&path) {
                FileState::Present(version) if version.stamp == known.stamp => {
                    known.hash = version.hash
                }
                // It has changed since the start, which is still to be reported.
                FileState::Present(_) | FileState::Changing | FileState::Missing => {
                    self.writes.touch(path, WriteState::Unknown, now);
                }
            }
            return;
        }
        if let Some(since) = self.hashing.take() {
            self.queue.push_status(WatchStatus::Ready {
                dirs: self.watched.len(),
                files: self.known.len(),
                after: now.saturating_duration_since(since),
            });
        }
    }

    fn interval(&self) -> Duration {
        self.options
            .poll
            .unwrap_or(self.options.fallback)
            .max(Duration::from_millis(1))
    }

    /// Schedules a scan.
    fn schedule_scan(&mut self, now: Instant) {
        let at = now + MOVE_DELAY;
        self.rescan.get_or_insert(ScheduledScan {
            at,
            lost_since: None,
        });
    }

    /// Schedules a scan after notifications were lost_since.
    fn schedule_rescan(&mut self, now: Instant) {
        let before = self.rescan.and_then(|due| due.lost_since);
        let since = before.unwrap_or(now);
        self.rescan = Some(ScheduledScan {
            at: (now + OVERFLOW_DELAY).min(since + MAX_OVERFLOW_DELAY),
            lost_since: Some(since),
        });
    }

    /// Polls from now on, if a limit of the system is reached.
    fn fall_back_to_polling(&mut self, now: Instant) {
        let Some(limit_reached) = self.limit_reached.take() else {
            return;
        };
        self.notifier = None;
        self.watched.clear();
        self.poll = Some(now + self.interval());
        self.queue.push_status(WatchStatus::PollingFallback {
            reason: limit_reached.reason,
            hint: limit_reached.hint,
            interval: self.interval(),
        });
    }

    /// Schedules a scan if the path affects a root.
    fn on_root_moved(&mut self, real: &Path, now: Instant) {
        self.on_ignore_changed(real, now);
        if self.spec.affects_root(real) {
            self.schedule_scan(now);
        }
    }

    /// Schedules a scan if the path is a list of ignored files.
    fn on_ignore_changed(&mut self, real: &Path, now: Instant) {
        if real.file_name().is_some_and(|name| name == ".gitignore") {
            self.schedule_scan(now);
        }
    }
}

#[cfg(test)]
mod tests;
