//! Events that the reader has not received yet.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::path::PathBuf;

use crate::change::{Batch, Change, ChangeKind, WatchStatus};

/// Changes and statuses to report. Changes of one file are merged, so there are at most as many as
/// files.
#[derive(Debug, Default)]
pub(crate) struct EventQueue {
    changes: BTreeMap<PathBuf, Change>,
    statuses: VecDeque<WatchStatus>,
    pub(crate) pending: usize,
}

impl EventQueue {
    /// Adds a change, merged with one of the same file.
    pub(crate) fn push_change(&mut self, change: Change) {
        let Some(before) = self.changes.remove(&change.path) else {
            self.changes.insert(change.path.clone(), change);
            return;
        };
        let kind = match (before.kind, change.kind) {
            (ChangeKind::Created, ChangeKind::Removed) => return,
            (ChangeKind::Created, ChangeKind::Created | ChangeKind::Modified) => {
                ChangeKind::Created
            }
            (
                ChangeKind::Modified | ChangeKind::Removed,
                ChangeKind::Created | ChangeKind::Modified,
            ) => ChangeKind::Modified,
            (ChangeKind::Modified | ChangeKind::Removed, ChangeKind::Removed) => {
                ChangeKind::Removed
            }
        };
        self.changes
            .insert(change.path.clone(), Change { kind, ..change });
    }

    /// One more push_status.
    pub(crate) fn push_status(&mut self, status: WatchStatus) {
        self.statuses.push_back(status);
    }

    /// The next push_status.
    pub(crate) fn next_status(&mut self) -> Option<WatchStatus> {
        self.statuses.pop_front()
    }

    /// Removes all changes.
    pub(crate) fn take_changes(&mut self) -> Option<Batch> {
        if self.changes.is_empty() {
            return None;
        }
        Some(Batch {
            changes: std::mem::take(&mut self.changes).into_values().collect(),
            pending: self.pending,
        })
    }

    /// Whether there is nothing to report.
    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.statuses.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_one_file_are_merged() {
        use ChangeKind::{Created, Modified, Removed};
        for (before, after, one) in [
            (Created, Modified, Some(Created)),
            (Created, Removed, None),
            (Modified, Removed, Some(Removed)),
            (Removed, Created, Some(Modified)),
            (Modified, Modified, Some(Modified)),
        ] {
            let mut queue = EventQueue::default();
            for kind in [before, after] {
                queue.push_change(Change {
                    path: PathBuf::from("/a"),
                    kind,
                    keys: Vec::new(),
                });
            }
            let merged = queue.take_changes().map(|batch| batch.changes[0].kind);
            assert_eq!(merged, one, "{before:?}, then {after:?}");
        }
    }
}
