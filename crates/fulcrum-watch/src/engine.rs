//! What is known of the disk, and what is told when it turns out otherwise.
//!
//! Paths are those that the caller knows ([`Plan::asked`]); only what the system is asked to watch,
//! and what it tells of, are real ones.

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

/// Several moves of a root (`rm -r` and `git clone`, say) are looked at once.
const MOVE_DELAY: Duration = Duration::from_millis(10);

/// After lost notifications all is looked at again only when the flood may be over,
const OVERFLOW_DELAY: Duration = Duration::from_millis(100);

/// but so long after the first loss in any case.
const LONGEST_FLOOD: Duration = Duration::from_secs(1);

/// Looking at everything takes at most one part in so many of the time.
const MAX_SCAN_SHARE: u32 = 50;

/// So many files are looked at before the next signals and the clock are read.
const BATCH: usize = 32;

/// A file as it was last told of, or found at the start.
#[derive(Debug, Clone, Copy)]
struct KnownFile {
    stamp: FileStamp,
    hash: Option<Hash>,
    /// Its stamp proves nothing: it may have been written again at the same moment.
    racy: bool,
}

/// What looking at everything will do next.
#[derive(Debug, Clone, Copy)]
struct ScheduledScan {
    at: Instant,
    /// Since when notifications have been lost.
    lost: Option<Instant>,
}

/// The watching, without its thread and its clock.
pub(crate) struct Engine<S> {
    /// `None` while polling.
    system: Option<S>,
    options: WatchOptions,
    plan: ResolvedSpec,
    known: BTreeMap<PathBuf, KnownFile>,
    /// Known files that are symbolic links, and where they lead.
    links: BTreeMap<PathBuf, PathBuf>,
    watched: BTreeSet<PathBuf>,
    unwatchable: BTreeSet<PathBuf>,
    /// The system has refused; we are about to poll.
    exhausted: Option<LimitReached>,
    settling: PendingWrites,
    /// Files of which only the stamp is known.
    unread: Vec<PathBuf>,
    /// When learning began; `None` once it has been told of.
    hashing: Option<Instant>,
    rescan: Option<ScheduledScan>,
    poll: Option<Instant>,
    /// When a change was last told.
    last_reported: Option<Instant>,
    pub(crate) outbox: EventQueue,
}

impl<S: Notifier> Engine<S> {
    /// Takes what is on the disk now as known. `Err` for the system: polls.
    pub(crate) fn new(
        plan: ResolvedSpec,
        system: Result<S, LimitReached>,
        options: WatchOptions,
        now: Instant,
    ) -> Self {
        let mut engine = Self {
            system: None,
            options,
            plan,
            known: BTreeMap::new(),
            links: BTreeMap::new(),
            watched: BTreeSet::new(),
            unwatchable: BTreeSet::new(),
            exhausted: None,
            settling: PendingWrites::default(),
            unread: Vec::new(),
            hashing: Some(now),
            rescan: None,
            poll: None,
            last_reported: None,
            outbox: EventQueue::default(),
        };
        match (options.poll, system) {
            (Some(_), _) => engine.poll = Some(now + engine.interval()),
            (None, Ok(system)) => engine.system = Some(system),
            (None, Err(exhausted)) => engine.exhausted = Some(exhausted),
        }
        engine.scan_all(true, now);
        engine.fall_back(now);
        engine
    }

    /// Watches something else from now on. What is new is known as it is now; of what isn't asked
    /// for any more nothing is told.
    pub(crate) fn update(&mut self, plan: ResolvedSpec, now: Instant) {
        self.plan = plan;
        self.hashing.get_or_insert(now);
        self.scan_all(true, now);
        self.fall_back(now);
    }

    /// The system has told of something.
    pub(crate) fn signal(&mut self, signal: FsEvent, now: Instant) {
        match signal {
            FsEvent::Lost => self.survey_after_loss(now),
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

    /// Does what is due.
    pub(crate) fn tick(&mut self, now: Instant) {
        if let Some(due) = self.rescan.take_if(|due| due.at <= now) {
            if due.lost.is_some() {
                // Folders may have gone and come unnoticed, and their watches with them.
                self.watched.clear();
            }
            self.scan_all(false, now);
            if due.lost.is_some() {
                self.outbox.notice(WatchStatus::Rescanned);
            }
        }
        if self.poll.is_some_and(|at| at <= now) {
            self.scan_all(false, now);
        }
        for path in self.settling.due(now, BATCH) {
            self.check_file(&path, now);
        }
        self.outbox.unsettled = self.settling.len();
        self.fall_back(now);
    }

    /// When there is something to do, if nothing comes before.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        [
            self.rescan.map(|due| due.at),
            self.poll,
            self.settling.deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// A tick that began then is over now. Polling counts its interval from here, and takes its
    /// share at most.
    pub(crate) fn polled(&mut self, began: Instant, now: Instant) {
        if self.poll.is_some_and(|at| at <= began) {
            let took = now.saturating_duration_since(began);
            self.poll = Some(now + self.interval().max(took * MAX_SCAN_SHARE));
        }
    }

    /// Is there a file whose content isn't known?
    pub(crate) fn is_learning(&self) -> bool {
        self.hashing.is_some()
    }

    /// Reads one file whose content isn't known.
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
                FileState::Present(seen) if seen.stamp == known.stamp => known.hash = seen.hash,
                // It has changed since the start, and that is still to be told.
                FileState::Present(_) | FileState::Changing | FileState::Missing => {
                    self.settling.touch(path, WriteState::Unknown, now);
                }
            }
            return;
        }
        if let Some(since) = self.hashing.take() {
            self.outbox.notice(WatchStatus::Ready {
                folders: self.watched.len(),
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

    /// Looks at everything soon.
    fn survey_soon(&mut self, now: Instant) {
        let at = now + MOVE_DELAY;
        self.rescan.get_or_insert(ScheduledScan { at, lost: None });
    }

    /// Looks at everything when the flood is over.
    fn survey_after_loss(&mut self, now: Instant) {
        let before = self.rescan.and_then(|due| due.lost);
        let since = before.unwrap_or(now);
        self.rescan = Some(ScheduledScan {
            at: (now + OVERFLOW_DELAY).min(since + LONGEST_FLOOD),
            lost: Some(since),
        });
    }

    /// Polls from now on, if the system has refused.
    fn fall_back(&mut self, now: Instant) {
        let Some(exhausted) = self.exhausted.take() else {
            return;
        };
        self.system = None;
        self.watched.clear();
        self.poll = Some(now + self.interval());
        self.outbox.notice(WatchStatus::PollingFallback {
            why: exhausted.reason,
            cure: exhausted.hint,
            every: self.interval(),
        });
    }

    /// Looks at everything soon, if a root has come or gone.
    fn on_root_moved(&mut self, real: &Path, now: Instant) {
        self.on_ignore_changed(real, now);
        if self.plan.affects_root(real) {
            self.survey_soon(now);
        }
    }

    /// The same if what is to be ignored has changed.
    fn on_ignore_changed(&mut self, real: &Path, now: Instant) {
        if real.file_name().is_some_and(|name| name == ".gitignore") {
            self.survey_soon(now);
        }
    }
}

#[cfg(test)]
mod tests;
