//! The traces that are kept, within a bound. No I/O, no clock.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use super::span::Span;
use crate::context::{SpanId, TraceId};

/// A trace that has more spans than this part of the memory has lost the rest.
const TRACE_SHARE: usize = 8;

/// The attribute by which a domain's telemetry is recognized, whatever its service is called, and which
/// a call has for the domain that is called.
pub const DOMAIN_ATTRIBUTE: &str = "fulcrum.domain";

/// The attribute of a call with the type of its message.
pub(crate) const MESSAGE_TYPE: &str = "fulcrum.message.type";

/// What a trace takes besides its spans, roughly.
const TRACE_OVERHEAD: usize = 256;

/// Traces in memory, the newest ones within a bound.
#[derive(Debug)]
pub struct TraceStore {
    limit: usize,
    bytes: usize,
    traces: HashMap<TraceId, Kept>,
    /// By their age, the oldest first.
    order: BTreeMap<u64, TraceId>,
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
    spans: HashMap<SpanId, Span>,
}

/// One trace, in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceSummary {
    /// Its id.
    pub id: TraceId,
    /// The name of its first span.
    pub name: String,
    /// Who recorded that.
    pub origin: String,
    /// When it began: nanoseconds since 1970.
    pub start: u64,
    /// From its first begin to its last end, in nanoseconds.
    pub duration: u64,
    /// How many spans it has.
    pub spans: usize,
    /// How many of them ended with an error.
    pub errors: usize,
    /// All that have recorded some of it, in alphabetical order.
    pub origins: Vec<String>,
    /// A number that grows with every change of any trace.
    pub changed: u64,
}

/// Which traces are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceFilter {
    /// Those that one of these has recorded a part of; empty for all.
    pub domains: Vec<String>,
    /// Those that took at least this long.
    pub min_duration: Option<Duration>,
    /// Those with an error.
    pub errors: bool,
}

impl TraceFilter {
    fn accepts(&self, trace: &TraceSummary) -> bool {
        let is_part = |name: &String| self.domains.contains(name);
        let of_domains = self.domains.is_empty() || trace.origins.iter().any(is_part);
        let long = self
            .min_duration
            .is_none_or(|min| Duration::from_nanos(trace.duration) >= min);
        of_domains && long && (!self.errors || trace.errors > 0)
    }
}

impl TraceStore {
    /// A store of at most so many bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            bytes: 0,
            traces: HashMap::new(),
            order: BTreeMap::new(),
            next: 1,
            dropped: DroppedSpans::default(),
        }
    }

    /// Adds a span to its trace. A span that is there already is replaced: its sender was not sure
    /// that it had arrived.
    pub fn insert(&mut self, span: Span) {
        let number = self.next;
        self.next += 1;
        let size = span.size();
        let order = &mut self.order;
        let overhead = &mut self.bytes;
        let trace = self.traces.entry(span.trace).or_insert_with(|| {
            order.insert(number, span.trace);
            *overhead += TRACE_OVERHEAD;
            Kept {
                bytes: TRACE_OVERHEAD,
                changed: number,
                spans: HashMap::new(),
            }
        });
        if trace.bytes + size > self.limit / TRACE_SHARE {
            self.dropped.excess += 1;
            return;
        }
        let replaced = trace.spans.insert(span.id, span);
        let replaced = replaced.map_or(0, |span| span.size());
        trace.changed = number;
        trace.bytes = trace.bytes + size - replaced;
        self.bytes = self.bytes + size - replaced;
        self.evict();
    }

    /// Removes the oldest traces until the rest fits.
    fn evict(&mut self) {
        while self.bytes > self.limit {
            let Some((_, oldest)) = self.order.pop_first() else {
                return;
            };
            if let Some(trace) = self.traces.remove(&oldest) {
                self.bytes -= trace.bytes;
                self.dropped.evicted += trace.spans.len() as u64;
            }
        }
    }

    /// The traces that a filter accepts, the newest first, at most so many.
    #[must_use]
    pub fn list(&self, filter: &TraceFilter, limit: usize) -> Vec<TraceSummary> {
        let newest = self.order.values().rev();
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
        let spans = self.traces.get(&id)?.spans.values();
        let mut spans: Vec<Span> = spans.cloned().collect();
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
        let spans = self.traces.values().map(|trace| trace.spans.len());
        (self.traces.len(), spans.sum())
    }

    /// What did not fit.
    #[must_use]
    pub fn dropped(&self) -> DroppedSpans {
        self.dropped
    }

    fn summary(&self, id: TraceId) -> Option<TraceSummary> {
        let trace = self.traces.get(&id)?;
        let spans = &trace.spans;
        // The first one may not have arrived yet, or never will: a caller that records nothing.
        let first = spans
            .values()
            .min_by_key(|span| (!span.parent.is_none(), span.start, span.id))?;
        let start = spans.values().map(|span| span.start).min()?;
        let end = spans.values().map(|span| span.end).max()?;
        let origins: BTreeSet<&str> = spans.values().map(|span| span.origin.name()).collect();
        Some(TraceSummary {
            id,
            name: name_of(first),
            origin: first.origin.name().to_owned(),
            start,
            duration: end.saturating_sub(start),
            spans: spans.len(),
            errors: spans.values().filter(|span| span.is_error()).count(),
            origins: origins.into_iter().map(str::to_owned).collect(),
            changed: trace.changed,
        })
    }
}

/// The name of a trace that begins with this span: of a call what is called, since all calls have the
/// same method.
fn name_of(first: &Span) -> String {
    let find = |name: &str| {
        let found = first.attributes.iter().find(|(set, _)| set == name);
        found.map(|(_, value)| value.as_str())
    };
    match (find(DOMAIN_ATTRIBUTE), find(MESSAGE_TYPE)) {
        (Some(domain), Some(type_)) => format!("{domain}/{type_}"),
        _ => first.name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::traces::span::{Origin, SpanKind, SpanStatus};

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
        let mut store = TraceStore::new(1 << 20);
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
    fn a_filter_selects_by_domain_duration_and_error() {
        let mut store = TraceStore::new(1 << 20);
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
        let mut store = TraceStore::new(1 << 20);
        store.insert(span(1, 1, (0, 10)));
        let bytes = store.bytes();
        store.insert(span(1, 1, (0, 10)));
        assert_eq!((store.counts(), store.bytes()), ((1, 1), bytes));
    }

    #[test]
    fn the_oldest_traces_make_room_and_are_counted() {
        let limit = 64 * 1024;
        let mut store = TraceStore::new(limit);
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
        let mut store = TraceStore::new(64 * 1024);
        store.insert(span(1, 1, (0, 1)));
        for id in 1..10_000 {
            store.insert(span(2, id, (0, 1)));
        }
        assert_eq!(store.counts().0, 2);
        assert!(store.dropped().excess > 9_000);
    }
}
