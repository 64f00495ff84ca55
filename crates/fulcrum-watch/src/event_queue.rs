//! What is to be told, until somebody takes it.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::path::PathBuf;

use crate::change::{Batch, Change, ChangeKind, WatchStatus};

/// What is to be told. It never holds more changes than there are files.
#[derive(Debug, Default)]
pub(crate) struct EventQueue {
    changes: BTreeMap<PathBuf, Change>,
    notices: VecDeque<WatchStatus>,
    pub(crate) unsettled: usize,
}

impl EventQueue {
    /// One more change; with one of the same file that nobody has taken it becomes one.
    pub(crate) fn change(&mut self, change: Change) {
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

    /// One more notice.
    pub(crate) fn notice(&mut self, notice: WatchStatus) {
        self.notices.push_back(notice);
    }

    /// The next notice.
    pub(crate) fn take_notice(&mut self) -> Option<WatchStatus> {
        self.notices.pop_front()
    }

    /// All changes.
    pub(crate) fn take_changes(&mut self) -> Option<Batch> {
        if self.changes.is_empty() {
            return None;
        }
        Some(Batch {
            changes: std::mem::take(&mut self.changes).into_values().collect(),
            pending: self.unsettled,
        })
    }

    /// Is there nothing to tell?
    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.notices.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_that_nobody_took_become_one() {
        use ChangeKind::{Created, Modified, Removed};
        for (before, after, one) in [
            (Created, Modified, Some(Created)),
            (Created, Removed, None),
            (Modified, Removed, Some(Removed)),
            (Removed, Created, Some(Modified)),
            (Modified, Modified, Some(Modified)),
        ] {
            let mut outbox = EventQueue::default();
            for kind in [before, after] {
                outbox.change(Change {
                    path: PathBuf::from("/a"),
                    kind,
                    keys: Vec::new(),
                });
            }
            let told = outbox.take_changes().map(|batch| batch.changes[0].kind);
            assert_eq!(told, one, "{before:?}, then {after:?}");
        }
    }
}
