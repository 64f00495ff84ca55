//! When a touched file is checked: as soon as its save is complete, not earlier.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The delay of the check after each write. On Linux the notification of the close ends it at once,
/// so the delay applies only to files that stay open.
const WRITE_QUIET: Duration =
    Duration::from_millis(if cfg!(target_os = "linux") { 100 } else { 10 });

/// The longest delay of a check, for files that are written continuously.
const MAX_WRITE_DELAY: Duration = Duration::from_secs(1);

/// The delay of the check of a file that a scan found changed, which may be in the middle of a save.
const RECHECK_DELAY: Duration = Duration::from_millis(20);

/// How long after a reported change its receiver may be reading files.
const READ_WINDOW: Duration = Duration::from_secs(1);

/// What may be an intermediate state of a save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PartialSave {
    /// The file is new: editors write temporary files and rename them.
    New,
    /// The file is empty: many programs truncate a file before they write it.
    Empty,
    /// The file is gone: some programs move the old version away first.
    Removed,
}

impl PartialSave {
    /// How long to wait for the rest of the save. An empty or a removed file is not urgent, and on a
    /// busy machine such a save may take long.
    const fn wait(self) -> Duration {
        match self {
            Self::New => Duration::from_millis(100),
            Self::Empty | Self::Removed => Duration::from_millis(250),
        }
    }
}

/// How far the save of a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WriteState {
    /// Finished: the file was closed, renamed or removed.
    Complete,
    /// Under way: something was written.
    InProgress,
    /// Not known: a scan found another stamp.
    Unknown,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    since: Instant,
    due: Instant,
    /// A notification named the file, so it is not only rechecked.
    was_notified: bool,
    /// The intermediate state that the file is in, and since when.
    partial: Option<(PartialSave, Instant)>,
}

/// The files that were touched and are not checked yet.
#[derive(Debug, Default)]
pub(crate) struct PendingWrites {
    entries: BTreeMap<PathBuf, Entry>,
    order: BTreeSet<(Instant, PathBuf)>,
}

impl PendingWrites {
    /// Records that a file was touched. The last touch determines when the file is checked.
    pub(crate) fn touch(&mut self, path: PathBuf, touch: WriteState, now: Instant) {
        let entry = self.entries.get(&path).copied().unwrap_or(Entry {
            since: now,
            due: now,
            was_notified: false,
            partial: None,
        });
        let due = match touch {
            WriteState::Complete => now,
            WriteState::InProgress => {
                (now + WRITE_QUIET).min((entry.since + MAX_WRITE_DELAY).max(now))
            }
            WriteState::Unknown => now + RECHECK_DELAY,
        };
        let was_notified = entry.was_notified || touch != WriteState::Unknown;
        let entry = Entry {
            due,
            was_notified,
            ..entry
        };
        self.insert(path, entry);
    }

    /// Schedules another check of a file that was being written during the check.
    pub(crate) fn retry(&mut self, path: &Path, now: Instant) {
        self.touch(path.to_owned(), WriteState::Unknown, now);
    }

    /// Whether a file has been in an intermediate state for long enough to be reported. If not,
    /// another check is scheduled.
    pub(crate) fn defer(&mut self, path: &Path, partial: PartialSave, now: Instant) -> bool {
        let entry = self.entries.get(path).copied().unwrap_or(Entry {
            since: now,
            due: now,
            was_notified: false,
            partial: None,
        });
        let since = match entry.partial {
            Some((as_before, since)) if as_before == partial => since,
            Some(_) | None => now,
        };
        let due = since + partial.wait();
        if now >= due {
            return true;
        }
        let partial = Some((partial, since));
        self.insert(
            path.to_owned(),
            Entry {
                partial,
                due,
                ..entry
            },
        );
        false
    }

    /// Removes a file whose check is complete.
    pub(crate) fn done(&mut self, path: &Path) {
        if let Some((path, entry)) = self.entries.remove_entry(path) {
            self.order.remove(&(entry.due, path));
        }
    }

    /// Up to `at_most` files whose check is due.
    pub(crate) fn due(&self, now: Instant, at_most: usize) -> Vec<PathBuf> {
        self.order
            .iter()
            .take_while(|(due, _)| *due <= now)
            .take(at_most)
            .map(|(_, path)| path.clone())
            .collect()
    }

    /// When the next check is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.order.first().map(|(due, _)| *due)
    }

    /// Since when a process may have read another content than the present one: since the first
    /// touch; or, if an intermediate state was observed, since [`READ_WINDOW`] before that.
    pub(crate) fn uncertain_since(&self, path: &Path) -> Option<Instant> {
        let entry = self.entries.get(path)?;
        match entry.partial {
            Some((_, seen)) => seen.checked_sub(READ_WINDOW),
            None => entry.was_notified.then_some(entry.since),
        }
    }

    /// Whether the file was touched and is not checked yet.
    pub(crate) fn contains(&self, path: &Path) -> bool {
        self.entries.contains_key(path)
    }

    /// The number of files that are not checked yet.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    fn insert(&mut self, path: PathBuf, entry: Entry) {
        if let Some(old) = self.entries.insert(path.clone(), entry) {
            self.order.remove(&(old.due, path.clone()));
        }
        self.order.insert((entry.due, path));
    }
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::disallowed_methods,
        reason = "an arbitrary start of the test's clock"
    )]

    use proptest::prelude::*;

    use super::*;

    fn path() -> PathBuf {
        PathBuf::from("/a")
    }

    #[test]
    fn a_complete_save_is_due_at_once_and_one_in_progress_is_not() {
        let now = Instant::now();
        let mut writes = PendingWrites::default();
        writes.touch(path(), WriteState::InProgress, now);
        assert_eq!(writes.due(now, 9), Vec::<PathBuf>::new());
        assert_eq!(writes.deadline(), Some(now + WRITE_QUIET));
        writes.touch(path(), WriteState::Complete, now);
        assert_eq!(writes.due(now, 9), vec![path()]);
        writes.touch(path(), WriteState::InProgress, now);
        assert_eq!(
            writes.due(now, 9),
            Vec::<PathBuf>::new(),
            "another save has started"
        );
    }

    #[test]
    fn a_continuously_written_file_is_checked_in_between() {
        let start = Instant::now();
        let mut writes = PendingWrites::default();
        let mut now = start;
        while writes.due(now, 1).is_empty() {
            writes.touch(path(), WriteState::InProgress, now);
            now += Duration::from_millis(10);
            assert!(now <= start + MAX_WRITE_DELAY + WRITE_QUIET);
        }
    }

    #[test]
    fn a_partial_save_is_deferred_from_its_first_check_however_often_it_is_touched() {
        let start = Instant::now();
        let mut writes = PendingWrites::default();
        let wait = PartialSave::Removed.wait();
        writes.touch(path(), WriteState::Complete, start);
        assert!(!writes.defer(&path(), PartialSave::Removed, start));
        let later = start + wait / 2;
        writes.touch(path(), WriteState::Complete, later);
        assert!(!writes.defer(&path(), PartialSave::Removed, later));
        assert_eq!(writes.deadline(), Some(start + wait));
        assert!(writes.defer(&path(), PartialSave::Removed, start + wait));
        assert!(
            !writes.defer(&path(), PartialSave::Empty, start + wait),
            "the state has changed, so the wait starts again"
        );
    }

    proptest! {
        #[test]
        fn every_touched_file_comes_due(steps in prop::collection::vec((0_u8..4, 0_u8..4, 0_u64..200), 1..200)) {
            let mut now = Instant::now();
            let mut writes = PendingWrites::default();
            let mut open = BTreeSet::new();
            for (file, what, wait) in steps {
                let path = PathBuf::from(format!("/{file}"));
                match what {
                    0 => writes.touch(path.clone(), WriteState::Complete, now),
                    1 => writes.touch(path.clone(), WriteState::InProgress, now),
                    2 => writes.touch(path.clone(), WriteState::Unknown, now),
                    _ => { writes.done(&path); open.remove(&path); }
                }
                if what < 3 { open.insert(path); }
                now += Duration::from_millis(wait);
                prop_assert_eq!(writes.len(), open.len());
            }
            let due: BTreeSet<_> = writes.due(now + MAX_WRITE_DELAY, usize::MAX).into_iter().collect();
            prop_assert_eq!(due, open);
        }
    }
}
