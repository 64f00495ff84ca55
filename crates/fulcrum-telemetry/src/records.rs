//! Log records that came over OTLP, the newest ones within a bound. No I/O.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::context::{SpanId, TraceId};
use crate::traces::Origin;

/// One log record.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Nanoseconds since 1970.
    pub time: u64,
    /// The trace that it was written in.
    pub trace: Option<TraceId>,
    /// The span that it was written in.
    pub span: SpanId,
    /// `trace` to `fatal`; empty if it is unknown.
    pub level: &'static str,
    /// Its text.
    pub text: String,
    /// Who wrote it.
    pub origin: Arc<Origin>,
}

impl Record {
    fn size(&self) -> usize {
        size_of::<Self>() + self.text.capacity()
    }
}

/// Records in memory.
#[derive(Debug)]
pub struct RecordStore {
    limit: usize,
    bytes: usize,
    records: VecDeque<Record>,
    dropped: u64,
}

impl RecordStore {
    /// A store of at most so many bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            bytes: 0,
            records: VecDeque::new(),
            dropped: 0,
        }
    }

    /// Adds a record; the oldest ones make room.
    pub fn insert(&mut self, record: Record) {
        self.bytes += record.size();
        self.records.push_back(record);
        while self.bytes > self.limit
            && let Some(oldest) = self.records.pop_front()
        {
            self.bytes -= oldest.size();
            self.dropped += 1;
        }
    }

    /// The records of a trace, in the order of their times.
    #[must_use]
    pub fn of_trace(&self, trace: TraceId) -> Vec<Record> {
        let all = self.records.iter();
        let mut found: Vec<Record> = all
            .filter(|record| record.trace == Some(trace))
            .cloned()
            .collect();
        found.sort_by_key(|record| record.time);
        found
    }

    /// The memory that is used, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many records are kept.
    #[must_use]
    pub fn count(&self) -> usize {
        self.records.len()
    }

    /// How many records did not fit.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(time: u64, trace: u128) -> Record {
        Record {
            time,
            trace: TraceId::new(trace),
            span: SpanId(1),
            level: "info",
            text: format!("record {time}"),
            origin: Arc::new(Origin::default()),
        }
    }

    #[test]
    fn the_oldest_records_make_room_and_are_counted() {
        let mut store = RecordStore::new(16 * 1024);
        for time in 0..10_000 {
            store.insert(record(time, 1));
            assert!(store.bytes() <= 16 * 1024);
        }
        assert_eq!(store.dropped() + store.count() as u64, 10_000);
    }

    #[test]
    fn the_records_of_a_trace_are_in_the_order_of_their_times() {
        let mut store = RecordStore::new(1 << 20);
        for (time, trace) in [(3, 1), (1, 2), (2, 1), (9, 0)] {
            store.insert(record(time, trace));
        }
        let trace = TraceId::new(1).expect("not 0");
        let times: Vec<u64> = store.of_trace(trace).iter().map(|kept| kept.time).collect();
        assert_eq!(times, [2, 3]);
    }
}
