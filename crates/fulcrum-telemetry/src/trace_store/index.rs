//! Which parts belong to which trace. Most traces are never looked at, so that the index is made when
//! somebody does, from the log, and is brought up to date when somebody does again.

use super::log::Log;
use super::stored::Stored;
use crate::context::TraceId;

/// What a part takes in the index, in bytes.
pub(super) const ENTRY: usize = size_of::<(TraceId, u64)>();

/// The numbers of the parts in the log, by trace.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// In ascending order.
    entries: Vec<(TraceId, u64)>,
    /// The log's start when it was updated.
    start: u64,
    /// The log's end then: the parts from here on are not in it yet.
    end: u64,
}

impl Index {
    /// Takes what has come to the log, and drops what was removed from it.
    pub(super) fn update(&mut self, log: &Log<Stored>) {
        let (start, end) = (log.start(), log.end());
        // Who looks at one trace after the other pays once.
        if (self.start, self.end) == (start, end) {
            return;
        }
        self.entries.retain(|(_, number)| *number >= start);
        let new = self.end.max(start)..end;
        let new = new.filter_map(|number| Some((log.get(number)?.trace(), number)));
        self.entries.extend(new);
        // Two runs, the old and the new ones, of which the first is in order: a stable sort merges them.
        self.entries.sort();
        (self.start, self.end) = (start, end);
    }

    /// Frees the memory if nothing in it is in the log any longer.
    pub(super) fn forget_removed(&mut self, log: &Log<Stored>) {
        if self.end <= log.start() && self.entries.capacity() > 0 {
            self.entries = Vec::new();
        }
    }

    /// The parts of a trace, the oldest first.
    pub(super) fn of(&self, trace: TraceId) -> &[(TraceId, u64)] {
        let begin = self.entries.partition_point(|(other, _)| *other < trace);
        let rest = &self.entries[begin..];
        &rest[..rest.partition_point(|(other, _)| *other == trace)]
    }

    /// The traces, each with its parts.
    pub(super) fn traces(&self) -> impl Iterator<Item = (TraceId, &[(TraceId, u64)])> {
        let traces = self.entries.chunk_by(|(one, _), (other, _)| one == other);
        traces.map(|parts| (parts[0].0, parts))
    }
}
