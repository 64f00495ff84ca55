//! The traces that are kept, within a bound. No I/O, no clock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::index::{ENTRY, Index};
use super::log::Log;
use super::shares::Shares;
use super::stored::{Glance, Stored};
use super::summary::{TraceFilter, TraceSummary};
use crate::context::{SpanId, TraceId};
use crate::spans::{CallRecord, OwnSpan};
use crate::traces::{Origin, Span};

/// A trace that has more spans than this part of the memory has lost the rest.
const TRACE_SHARE: usize = 8;

/// Traces in memory, the newest spans within a bound. What is added is written behind the rest, since a
/// call waits for it; traces are put together for who looks.
#[derive(Debug)]
pub struct TraceStore {
    /// Who has recorded the calls.
    own: Arc<Origin>,
    limit: usize,
    bytes: usize,
    parts: Log<Stored>,
    index: Index,
    shares: Shares,
    dropped: DroppedSpans,
}

/// What did not fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DroppedSpans {
    /// Spans that were removed for newer ones.
    pub evicted: u64,
    /// Spans of traces that had too many.
    pub excess: u64,
}

impl TraceStore {
    /// A store of at most so many bytes. `own` records the calls.
    #[must_use]
    pub fn new(limit: usize, own: Arc<Origin>) -> Self {
        Self {
            own,
            limit,
            bytes: 0,
            parts: Log::new(),
            index: Index::default(),
            shares: Shares::new(),
            dropped: DroppedSpans::default(),
        }
    }

    /// Adds a span to its trace. A span that is there already is replaced: its sender was not sure
    /// that it had arrived.
    pub fn insert(&mut self, span: Span) {
        self.add(Stored::Span(Box::new(span)));
    }

    /// Adds a span that was recorded here by `origin`.
    pub fn insert_own(&mut self, span: OwnSpan, origin: &Arc<Origin>) {
        self.add(Stored::Own(span, Arc::clone(origin)));
    }

    /// Adds a call to its trace.
    pub fn insert_call(&mut self, call: CallRecord) {
        self.add(Stored::Call(call));
    }

    fn add(&mut self, part: Stored) {
        let size = part.size() + ENTRY;
        let share = self.shares.of(part.trace());
        if *share + size > self.limit / TRACE_SHARE {
            self.dropped.excess += part.count() as u64;
            return;
        }
        *share += size;
        self.evict(size);
        self.bytes += size;
        self.parts.push(part);
    }

    /// Removes the oldest parts until there is room for so many bytes.
    fn evict(&mut self, room: usize) {
        while self.bytes + room > self.limit {
            let Some(oldest) = self.parts.pop() else {
                return;
            };
            let size = oldest.size() + ENTRY;
            *self.shares.of(oldest.trace()) -= size;
            self.bytes -= size;
            self.dropped.evicted += oldest.count() as u64;
        }
        self.index.forget_removed(&self.parts);
    }

    /// The traces that a filter accepts, the newest first, at most so many.
    #[must_use]
    pub fn list(&mut self, filter: &TraceFilter, limit: usize) -> Vec<TraceSummary> {
        self.index.update(&self.parts);
        let newest = (self.parts.start()..self.parts.end()).rev();
        let traces = newest.filter_map(|number| {
            let trace = self.parts.get(number)?.trace();
            let parts = self.index.of(trace);
            // Each trace once, where it begins.
            let (_, first) = parts.first()?;
            (*first == number).then(|| self.summary(parts))?
        });
        let accepted = traces.filter(|trace| filter.accepts(trace));
        accepted.take(limit).collect()
    }

    /// The traces that have changed since a number of [`TraceSummary::changed`].
    #[must_use]
    pub fn changed_since(&self, number: u64) -> Vec<TraceId> {
        let changed = self.parts.start().max(number)..self.parts.end();
        let changed = changed.filter_map(|number| Some(self.parts.get(number)?.trace()));
        let traces: BTreeSet<TraceId> = changed.collect();
        traces.into_iter().collect()
    }

    /// The number of the last change.
    #[must_use]
    pub fn last_change(&self) -> u64 {
        self.parts.end()
    }

    /// One trace in short, if the filter accepts it.
    #[must_use]
    pub fn find(&mut self, id: TraceId, filter: &TraceFilter) -> Option<TraceSummary> {
        self.index.update(&self.parts);
        let summary = self.summary(self.index.of(id));
        summary.filter(|trace| filter.accepts(trace))
    }

    /// The spans of a trace, in the order of their begin; none if it is not kept.
    #[must_use]
    pub fn spans(&mut self, id: TraceId) -> Option<Vec<Span>> {
        self.index.update(&self.parts);
        let parts = self.newest(self.index.of(id)).into_values();
        let mut spans: Vec<Span> = parts.flat_map(|part| part.to_spans(&self.own)).collect();
        spans.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end), span.id));
        (!spans.is_empty()).then_some(spans)
    }

    /// The ids that begin with these hexadecimal digits.
    #[must_use]
    pub fn find_by_prefix(&mut self, digits: &str) -> Vec<TraceId> {
        self.index.update(&self.parts);
        let ids = self.index.traces().map(|(id, _)| id);
        ids.filter(|id| id.to_string().starts_with(digits))
            .collect()
    }

    /// The memory that is used, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many traces and spans are kept.
    #[must_use]
    pub fn counts(&mut self) -> (usize, usize) {
        self.index.update(&self.parts);
        let traces = self.index.traces();
        traces.fold((0, 0), |(traces, spans), (_, parts)| {
            let parts = self.newest(parts).into_values();
            (traces + 1, spans + parts.map(Stored::count).sum::<usize>())
        })
    }

    /// What did not fit.
    #[must_use]
    pub fn dropped(&self) -> DroppedSpans {
        self.dropped
    }

    /// The parts with these numbers, of those that came several times the last one.
    fn newest(&self, parts: &[(TraceId, u64)]) -> BTreeMap<SpanId, &Stored> {
        let parts = parts
            .iter()
            .filter_map(|(_, number)| self.parts.get(*number));
        parts.map(|part| (part.id(), part)).collect()
    }

    fn summary(&self, parts: &[(TraceId, u64)]) -> Option<TraceSummary> {
        let (id, changed) = *parts.last()?;
        let mut origins = BTreeSet::new();
        let mut first: Option<Glance<'_>> = None;
        let (mut start, mut end) = (u64::MAX, 0_u64);
        let (mut spans, mut errors) = (0, 0);
        // The first one may not have arrived yet, or never will: a caller that records nothing.
        let rank = |span: &Glance<'_>| (!span.parent.is_none(), span.start, span.id);
        let parts = self.newest(parts).into_values();
        for span in parts.flat_map(|part| part.glances(&self.own)) {
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
            changed: changed + 1,
        })
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
        for other in [&mut as_spans, &mut as_own] {
            assert_eq!(as_call.spans(call.trace), other.spans(call.trace));
            assert_eq!(as_call.counts(), other.counts());
            let [mut short, other] = [&mut as_call, other].map(|store| store.list(&all, 10));
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
        let mut count = |filter: TraceFilter| store.list(&filter, 10).len();
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
    fn of_a_span_that_comes_twice_the_last_one_is_there() {
        let mut store = store(1 << 20);
        store.insert(span(1, 1, (0, 10)));
        store.insert(span(1, 1, (0, 20)));
        assert_eq!(store.counts(), (1, 1));
        let spans = store.spans(TraceId::new(1).expect("not 0"));
        assert_eq!(spans.expect("kept")[0].end, 20);
    }

    #[test]
    fn a_look_shows_the_newest_spans_whenever_somebody_looked_before() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut store = store(64 * 1024);
        let mut all = Vec::new();
        for round in 0..3_000 {
            for _ in 0..random.usize(..8) {
                let (trace, id) = (random.u128(1..40) + round / 30, random.u64(1..4));
                store.insert(span(trace, id, (0, 1)));
                all.push((trace, id));
            }
            if random.usize(..20) > 0 && round < 2_900 {
                continue;
            }
            let kept = &all[store.dropped().evicted as usize..];
            let spans: BTreeSet<_> = kept.iter().collect();
            let mut begun: Vec<u128> = Vec::new();
            for (trace, _) in kept {
                if !begun.contains(trace) {
                    begun.push(*trace);
                }
            }
            begun.reverse();
            let listed = store.list(&TraceFilter::default(), usize::MAX);
            let ids: Vec<u128> = listed.iter().map(|trace| trace.id.get()).collect();
            assert_eq!(ids, begun);
            assert_eq!(store.counts(), (begun.len(), spans.len()));
            let newest = all.last().map(|(trace, _)| *trace).expect("inserted");
            let newest = listed.iter().find(|trace| trace.id.get() == newest);
            assert_eq!(newest.map(|trace| trace.changed), Some(all.len() as u64));
            let changed = store.changed_since(all.len() as u64 - 1);
            assert_eq!(changed.len(), 1);
        }
        assert!(store.dropped().evicted > 1_000, "{:?}", store.dropped());
        assert_eq!(store.dropped().excess, 0);
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
