//! When a touched file is looked at: as soon as its save is over, not sooner.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A file that is still being written is left alone for so long after each write. Where the system
/// tells of a file being closed, that ends it at once, and this is for those who never close.
const QUIET: Duration = Duration::from_millis(if cfg!(target_os = "linux") { 100 } else { 10 });

/// So long at most: whoever writes on and on is looked at in between.
const LONGEST: Duration = Duration::from_secs(1);

/// A file found changed by chance may be in the middle of a save that nobody told of.
const UNSURE: Duration = Duration::from_millis(20);

/// Whoever was told of a change may read files for so long after it.
const READING: Duration = Duration::from_secs(1);

/// What looks like half of a save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PartialSave {
    /// The file is new: editors write helpers beside it, and rename them.
    New,
    /// It is empty: many empty a file before they fill it.
    Empty,
    /// It is gone: some move the old version away first. Nobody is in a hurry to hear of the end
    /// of a file, and on a busy machine such a save may be interrupted for long.
    Removed,
}

impl PartialSave {
    /// The other half is waited for so long.
    const fn wait(self) -> Duration {
        match self {
            Self::New | Self::Empty => Duration::from_millis(100),
            Self::Removed => Duration::from_millis(250),
        }
    }
}

/// What is known about the save that touched a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WriteState {
    /// It is over: the file was closed, renamed or removed.
    Complete,
    /// It goes on: something was written.
    InProgress,
    /// Nothing: a look found another stamp.
    Unknown,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    since: Instant,
    due: Instant,
    /// Somebody has told of a touch; it isn't only looked at to be sure.
    is_told_of: bool,
    /// As which half of a save it has looked, and since when.
    held: Option<(PartialSave, Instant)>,
}

/// The files that have been touched and aren't decided.
#[derive(Debug, Default)]
pub(crate) struct PendingWrites {
    entries: BTreeMap<PathBuf, Entry>,
    order: BTreeSet<(Instant, PathBuf)>,
}

impl PendingWrites {
    /// A file was touched. The last touch decides when it is looked at.
    pub(crate) fn touch(&mut self, path: PathBuf, touch: WriteState, now: Instant) {
        let entry = self.entries.get(&path).copied().unwrap_or(Entry {
            since: now,
            due: now,
            is_told_of: false,
            held: None,
        });
        let due = match touch {
            WriteState::Complete => now,
            WriteState::InProgress => (now + QUIET).min((entry.since + LONGEST).max(now)),
            WriteState::Unknown => now + UNSURE,
        };
        let is_told_of = entry.is_told_of || touch != WriteState::Unknown;
        let entry = Entry {
            due,
            is_told_of,
            ..entry
        };
        self.put(path, entry);
    }

    /// A file that was looked at was being written at that moment.
    pub(crate) fn again(&mut self, path: &Path, now: Instant) {
        self.touch(path.to_owned(), WriteState::Unknown, now);
    }

    /// A file that was looked at looks like half of a save. Has it for long enough? If not, it
    /// will be looked at again.
    pub(crate) fn defer(&mut self, path: &Path, half: PartialSave, now: Instant) -> bool {
        let entry = self.entries.get(path).copied().unwrap_or(Entry {
            since: now,
            due: now,
            is_told_of: false,
            held: None,
        });
        let since = match entry.held {
            Some((as_before, since)) if as_before == half => since,
            Some(_) | None => now,
        };
        let due = since + half.wait();
        if now >= due {
            return true;
        }
        let held = Some((half, since));
        self.put(path.to_owned(), Entry { held, due, ..entry });
        false
    }

    /// All is said about a file.
    pub(crate) fn done(&mut self, path: &Path) {
        if let Some((path, entry)) = self.entries.remove_entry(path) {
            self.order.remove(&(entry.due, path));
        }
    }

    /// Up to so many files that are to be looked at now.
    pub(crate) fn due(&self, now: Instant, at_most: usize) -> Vec<PathBuf> {
        self.order
            .iter()
            .take_while(|(due, _)| *due <= now)
            .take(at_most)
            .map(|(_, path)| path.clone())
            .collect()
    }

    /// When the next one is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.order.first().map(|(due, _)| *due)
    }

    /// Since when somebody may have read another content than the one that is found now: since the
    /// first touch, or, if half of a save was really seen, since as long before that as a reload
    /// may have been reading.
    pub(crate) fn uncertain_since(&self, path: &Path) -> Option<Instant> {
        let entry = self.entries.get(path)?;
        match entry.held {
            Some((_, seen)) => seen.checked_sub(READING),
            None => entry.is_told_of.then_some(entry.since),
        }
    }

    /// Has it been touched, and isn't decided?
    pub(crate) fn has(&self, path: &Path) -> bool {
        self.entries.contains_key(path)
    }

    /// How many aren't decided.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    fn put(&mut self, path: PathBuf, entry: Entry) {
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
        reason = "where a test's clock begins doesn't matter"
    )]

    use proptest::prelude::*;

    use super::*;

    fn path() -> PathBuf {
        PathBuf::from("/a")
    }

    #[test]
    fn a_save_that_is_over_is_due_at_once_and_one_that_goes_on_is_not() {
        let now = Instant::now();
        let mut settling = PendingWrites::default();
        settling.touch(path(), WriteState::InProgress, now);
        assert_eq!(settling.due(now, 9), Vec::<PathBuf>::new());
        assert_eq!(settling.deadline(), Some(now + QUIET));
        settling.touch(path(), WriteState::Complete, now);
        assert_eq!(settling.due(now, 9), vec![path()]);
        settling.touch(path(), WriteState::InProgress, now);
        assert_eq!(
            settling.due(now, 9),
            Vec::<PathBuf>::new(),
            "another save has begun"
        );
    }

    #[test]
    fn what_is_written_without_end_is_looked_at_in_between() {
        let start = Instant::now();
        let mut settling = PendingWrites::default();
        let mut now = start;
        while settling.due(now, 1).is_empty() {
            settling.touch(path(), WriteState::InProgress, now);
            now += Duration::from_millis(10);
            assert!(now <= start + LONGEST + QUIET);
        }
    }

    #[test]
    fn half_a_save_is_held_from_the_first_look_however_often_it_is_touched() {
        let start = Instant::now();
        let mut settling = PendingWrites::default();
        let patience = PartialSave::Removed.wait();
        settling.touch(path(), WriteState::Complete, start);
        assert!(!settling.defer(&path(), PartialSave::Removed, start));
        let later = start + patience / 2;
        settling.touch(path(), WriteState::Complete, later);
        assert!(!settling.defer(&path(), PartialSave::Removed, later));
        assert_eq!(settling.deadline(), Some(start + patience));
        assert!(settling.defer(&path(), PartialSave::Removed, start + patience));
        assert!(
            !settling.defer(&path(), PartialSave::Empty, start + patience),
            "it was filled, and emptied"
        );
    }

    proptest! {
        #[test]
        fn every_touched_file_comes_due(steps in prop::collection::vec((0_u8..4, 0_u8..4, 0_u64..200), 1..200)) {
            let mut now = Instant::now();
            let mut settling = PendingWrites::default();
            let mut open = BTreeSet::new();
            for (file, what, wait) in steps {
                let path = PathBuf::from(format!("/{file}"));
                match what {
                    0 => settling.touch(path.clone(), WriteState::Complete, now),
                    1 => settling.touch(path.clone(), WriteState::InProgress, now),
                    2 => settling.touch(path.clone(), WriteState::Unknown, now),
                    _ => { settling.done(&path); open.remove(&path); }
                }
                if what < 3 { open.insert(path); }
                now += Duration::from_millis(wait);
                prop_assert_eq!(settling.len(), open.len());
            }
            let due: BTreeSet<_> = settling.due(now + LONGEST, usize::MAX).into_iter().collect();
            prop_assert_eq!(due, open);
        }
    }
}
