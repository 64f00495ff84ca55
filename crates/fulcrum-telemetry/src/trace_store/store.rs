//! The traces that are kept, within a bound. No I/O, no clock.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use super::parts::Parts;
use super::stored::{Glance, Stored};
use super::summary::{TraceFilter, TraceSummary};
use crate::context::{SpanId, TraceId};
use crate::spans::{CallRecord, OwnSpan};
use crate::traces::{Origin, Span};

/// A trace that has more spans than this part of the memory has lost the rest.
const TRACE_SHARE: usize = 8;

/// What a trace takes besides its spans, roughly.
const TRACE_OVERHEAD: usize = 128;

/// Traces in memory, the newest ones within a bound.
#[derive(Debug)]
pub struct TraceStore {
    /// Who has recorded the calls.
    own: Arc<Origin>,
    limit: usize,
    bytes: usize,
    traces: HashMap<TraceId, Kept>,
    /// The oldest first.
    order: VecDeque<TraceId>,
    next: u64,
    dropped: DroppedSpans,
}

/// What did not fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DroppedSpans {
    /// Spans of traces that were removed for newer ones.
    pub evicted: u64,
    /// Spans of traces that had too many.
    pub excess: u64,
}

#[derive(Debug)]
struct Kept {
    bytes: usize,
    /// Counts its changes, across all traces.
    changed: u64,
    parts: Parts,
}

impl TraceStore {
    /// A store of at most so many bytes. `own` records the calls.
    #[must_use]
    pub fn new(limit: usize, own: Arc<Origin>) -> Self {
        Self {
            own,
            limit,
            bytes: 0,
            traces: HashMap::new(),
            order: VecDeque::new(),
            next: 1,
            dropped: DroppedSpans::default(),
        }
    }

    /// Adds a span to its trace. A span that is there already is replaced: its sender was not sure
    /// that it had arrived.
    pub fn insert(&mut self, span: Span) {
        let (trace, id, size) = (span.trace, span.id, span.size());
        self.add(trace, (size, 1), || (id, Stored::Span(Box::new(span))));
    }

    /// Adds a span that was recorded here by `origin`.
    pub fn insert_own(&mut self, span: OwnSpan, origin: &Arc<Origin>) {
        let (trace, id, size) = (span.trace, span.id, span.size());
        let origin = Arc::clone(origin);
        self.add(trace, (size, 1), || {
            (id, Stored::Own(Box::new(span), origin))
        });
    }

    /// Adds a call to its trace.
    pub fn insert_call(&mut self, call: CallRecord) {
        let (trace, id) = (call.trace, call.server);
        let cost = (call.size(), call.count());
        self.add(trace, cost, || (id, Stored::Call(Box::new(call))));
    }

    /// Adds a part of this size and with so many spans. It is made when there is room: what an older
    /// one took serves again, which is faster than any other memory.
    fn add(
        &mut self,
        id: TraceId,
        (size, spans): (usize, usize),
        part: impl FnOnce() -> (SpanId, Stored),
    ) {
        let has = self
            .traces
            .get(&id)
            .map_or(TRACE_OVERHEAD, |trace| trace.bytes);
        if has + size > self.limit / TRACE_SHARE {
            self.dropped.excess += spans as u64;
            return;
        }
        self.evict(size + TRACE_OVERHEAD);
        let number = self.next;
        self.next += 1;
        let (span, part) = part();
        match self.traces.entry(id) {
            Entry::Occupied(mut trace) => {
                let trace = trace.get_mut();
                let replaced = trace.parts.insert(span, part);
                let replaced = replaced.map_or(0, |part| part.size());
                trace.changed = number;
                trace.bytes = trace.bytes + size - replaced;
                self.bytes = self.bytes + size - replaced;
            }
            Entry::Vacant(trace) => {
                self.order.push_back(id);
                self.bytes += TRACE_OVERHEAD + size;
                trace.insert(Kept {
                    bytes: TRACE_OVERHEAD + size,
                    changed: number,
                    parts: Parts::One((span, part)),
                });
            }
        }
    }

    /// Removes the oldest traces until there is room for so many bytes.
    fn evict(&mut self, room: usize) {
        while self.bytes + room > self.limit {
            let Some(oldest) = self.order.pop_front() else {
                return;
            };
            if let Some(trace) = self.traces.remove(&oldest) {
                self.bytes -= trace.bytes;
                self.dropped.evicted += trace.count() as u64;
            }
        }
    }

    /// The traces that a filter accepts, the newest first, at most so many.
    #[must_use]
    pub fn list(&self, filter: &TraceFilter, limit: usize) -> Vec<TraceSummary> {
        let newest = self.order.iter().rev();
        let traces = newest.filter_map(|id| self.summary(*id));
        let accepted = traces.filter(|trace| filter.accepts(trace));
        accepted.take(limit).collect()
    }

    /// The traces that have changed since a number of [`TraceSummary::changed`].
    #[must_use]
    pub fn changed_since(&self, number: u64) -> Vec<TraceId> {
        let traces = self.traces.iter();
        let changed = traces.filter(|(_, trace)| trace.changed > number);
        changed.map(|(id, _)| *id).collect()
    }

    /// The number of the last change.
    #[must_use]
    pub fn last_change(&self) -> u64 {
        self.next - 1
    }

    /// One trace in short, if the filter accepts it.
    #[must_use]
    pub fn find(&self, id: TraceId, filter: &TraceFilter) -> Option<TraceSummary> {
        self.summary(id).filter(|trace| filter.accepts(trace))
    }

    /// The spans of a trace, in the order of their begin; none if it is not kept.
    #[must_use]
    pub fn spans(&self, id: TraceId) -> Option<Vec<Span>> {
        let parts = self.traces.get(&id)?.parts.iter();
        let mut spans: Vec<Span> = parts.flat_map(|part| part.to_spans(&self.own)).collect();
        spans.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end), span.id));
        Some(spans)
    }

    /// The ids that begin with these hexadecimal digits.
    #[must_use]
    pub fn find_by_prefix(&self, digits: &str) -> Vec<TraceId> {
        let ids = self.traces.keys();
        let found = ids.filter(|id| id.to_string().starts_with(digits));
        found.copied().collect()
    }

    /// The memory that is used, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many traces and spans are kept.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let spans = self.traces.values().map(Kept::count);
        (self.traces.len(), spans.sum())
    }

    /// What did not fit.
    #[must_use]
    pub fn dropped(&self) -> DroppedSpans {
        self.dropped
    }

    fn summary(&self, id: TraceId) -> Option<TraceSummary> {
        let trace = self.traces.get(&id)?;
        let mut origins = BTreeSet::new();
        let mut first: Option<Glance<'_>> = None;
        let (mut start, mut end) = (u64::MAX, 0_u64);
        let (mut spans, mut errors) = (0, 0);
        // The first one may not have arrived yet, or never will: a caller that records nothing.
        let rank = |span: &Glance<'_>| (!span.parent.is_none(), span.start, span.id);
        for span in trace.parts.iter().flat_map(|part| part.glances(&self.own)) {
            start = start.min(span.start);
            end = end.max(span.end);
            spans += 1;
            errors += usize::from(span.is_error);
            origins.insert(span.origin);
            if first.as_ref().is_none_or(|first| rank(&span) < rank(first)) {
                first = Some(span);
            }
        }
        let first = first?;
        Some(TraceSummary {
            id,
            name: first.trace_name(),
            origin: first.origin.to_owned(),
            start,
            duration: end.saturating_sub(start),
            spans,
            errors,
            origins: origins.into_iter().map(str::to_owned).collect(),
            changed: trace.changed,
        })
    }
}

impl Kept {
    fn count(&self) -> usize {
        self.parts.iter().map(Stored::count).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::spans::CallName;
    use crate::traces::{SpanKind, SpanStatus};

    fn store(limit: usize) -> TraceStore {
        let own = Origin {
            service: "fulcrum".to_owned(),
            domain: None,
        };
        TraceStore::new(limit, Arc::new(own))
    }

    fn span(trace: u128, id: u64, (start, end): (u64, u64)) -> Span {
        Span {
            trace: TraceId::new(trace).expect("not 0"),
            id: SpanId(id),
            parent: SpanId(id - 1),
            name: format!("span {id}"),
            kind: SpanKind::Internal,
            start,
            end,
            status: SpanStatus::Unset,
            origin: Arc::new(Origin {
                service: format!("service-{id}"),
                domain: None,
            }),
            attributes: Vec::new(),
            events: Vec::new(),
        }
    }

    #[test]
    fn a_trace_is_from_its_first_begin_to_its_last_end() {
        let mut store = store(1 << 20);
        store.insert(span(7, 2, (150, 180)));
        store.insert(span(7, 1, (100, 400)));
        let failed = SpanStatus::Error("boom".into());
        store.insert(Span {
            status: failed,
            ..span(7, 3, (160, 170))
        });
        let listed = store.list(&TraceFilter::default(), 10);
        let [trace] = &listed[..] else {
            panic!("{listed:?}")
        };
        assert_eq!(
            (&*trace.name, &*trace.origin, trace.start, trace.duration),
            ("span 1", "service-1", 100, 300)
        );
        assert_eq!((trace.spans, trace.errors), (3, 1));
        let spans = store.spans(trace.id).expect("kept");
        assert!(spans.is_sorted_by_key(|span| span.start));
    }

    #[test]
    fn a_call_is_the_spans_that_it_was_recorded_as() {
        let call = CallRecord {
            trace: TraceId::new(7).expect("not 0"),
            parent: SpanId(9),
            server: SpanId(1),
            client: SpanId(2),
            name: CallName::new("orders", "create"),
            started: UNIX_EPOCH + Duration::from_nanos(100),
            duration: Duration::from_nanos(50),
            queued: Some(Duration::from_nanos(20)),
            request_bytes: 1,
            response_bytes: 2,
            outcome: "error",
            error: Some("sold out".to_owned()),
        };
        let mut as_call = store(1 << 20);
        as_call.insert_call(call.clone());
        let mut as_spans = store(1 << 20);
        let mut as_own = store(1 << 20);
        let own = Arc::clone(&as_call.own);
        for span in call.to_spans().into_iter().flatten() {
            as_spans.insert(span.to_kept(&own));
            as_own.insert_own(span, &own);
        }
        let all = TraceFilter::default();
        for other in [&as_spans, &as_own] {
            assert_eq!(as_call.spans(call.trace), other.spans(call.trace));
            assert_eq!(as_call.counts(), other.counts());
            let [mut short, other] = [&as_call, other].map(|store| store.list(&all, 10));
            assert_eq!(short[0].name, "orders/create");
            short[0].changed = other[0].changed;
            assert_eq!(short, other);
        }

        let unsent = CallRecord {
            queued: None,
            server: SpanId(3),
            ..call
        };
        as_call.insert_call(unsent);
        assert_eq!(as_call.counts(), (1, 3), "no domain took the second one");
    }

    #[test]
    fn a_filter_selects_by_domain_duration_and_error() {
        let mut store = store(1 << 20);
        store.insert(span(1, 1, (0, 10)));
        store.insert(span(2, 2, (0, 5_000)));
        let count = |filter: TraceFilter| store.list(&filter, 10).len();
        assert_eq!(count(TraceFilter::default()), 2);
        let domains = vec!["service-2".to_owned()];
        let of_domain = TraceFilter {
            domains,
            ..TraceFilter::default()
        };
        assert_eq!(count(of_domain), 1);
        let long = TraceFilter {
            min_duration: Some(Duration::from_nanos(100)),
            ..TraceFilter::default()
        };
        assert_eq!(count(long), 1);
        let errors = TraceFilter {
            errors: true,
            ..TraceFilter::default()
        };
        assert_eq!(count(errors), 0);
    }

    #[test]
    fn a_span_that_comes_twice_is_there_once() {
        let mut store = store(1 << 20);
        store.insert(span(1, 1, (0, 10)));
        let bytes = store.bytes();
        store.insert(span(1, 1, (0, 10)));
        assert_eq!((store.counts(), store.bytes()), ((1, 1), bytes));
    }

    #[test]
    fn the_oldest_traces_make_room_and_are_counted() {
        let limit = 64 * 1024;
        let mut store = store(limit);
        for trace in 1..=100_000 {
            store.insert(span(trace, 1, (0, 1)));
            assert!(store.bytes() <= limit);
        }
        let (traces, spans) = store.counts();
        assert_eq!(traces, spans);
        assert_eq!(store.dropped().evicted + spans as u64, 100_000);
        let newest = store.list(&TraceFilter::default(), 1);
        assert_eq!(newest[0].id.get(), 100_000);
    }

    #[test]
    fn one_endless_trace_does_not_push_out_the_others() {
        let mut store = store(64 * 1024);
        store.insert(span(1, 1, (0, 1)));
        for id in 1..10_000 {
            store.insert(span(2, id, (0, 1)));
        }
        assert_eq!(store.counts().0, 2);
        assert!(store.dropped().excess > 9_000);
    }
}
