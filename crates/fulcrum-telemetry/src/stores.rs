//! What is kept in memory, each kind within a part of its own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

use crate::convert;
use crate::export::Signal;
use crate::records::RecordStore;
use crate::series::{SeriesStore, points};
use crate::spans::{CallRecord, OwnSpan};
use crate::trace_store::TraceStore;
use crate::traces::{Origin, Span};

/// What of the memory is for traces, for log records, and for metrics.
const SHARES: [usize; 3] = [5, 2, 1];

/// How much is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Traces.
    pub traces: usize,
    /// Spans.
    pub spans: usize,
    /// Log records.
    pub records: usize,
    /// Series of metrics.
    pub series: usize,
    /// The memory for all of it, in bytes.
    pub bytes: usize,
}

#[derive(Debug)]
pub(crate) struct Stores {
    traces: Mutex<TraceStore>,
    records: Mutex<RecordStore>,
    series: Mutex<SeriesStore>,
}

impl Stores {
    /// Stores of at most so many bytes together. `own` records the calls.
    pub(crate) fn new(memory: usize, own: Arc<Origin>) -> Self {
        let [traces, records, series] = SHARES.map(|share| memory / 8 * share);
        Self {
            traces: Mutex::new(TraceStore::new(traces, own)),
            records: Mutex::new(RecordStore::new(records)),
            series: Mutex::new(SeriesStore::new(series)),
        }
    }

    pub(crate) fn traces(&self) -> MutexGuard<'_, TraceStore> {
        lock(&self.traces)
    }

    pub(crate) fn records(&self) -> MutexGuard<'_, RecordStore> {
        lock(&self.records)
    }

    pub(crate) fn series(&self) -> MutexGuard<'_, SeriesStore> {
        lock(&self.series)
    }

    pub(crate) fn insert_spans(&self, spans: impl IntoIterator<Item = Span>) {
        let mut kept = self.traces();
        for span in spans {
            kept.insert(span);
        }
    }

    /// Adds spans that `origin` has recorded.
    pub(crate) fn insert_own(&self, spans: Vec<OwnSpan>, origin: &Arc<Origin>) {
        let mut kept = self.traces();
        for span in spans {
            kept.insert_own(span, origin);
        }
    }

    pub(crate) fn insert_calls(&self, calls: impl IntoIterator<Item = CallRecord>) {
        let mut kept = self.traces();
        for call in calls {
            kept.insert_call(call);
        }
    }

    pub(crate) fn insert_metrics(&self, request: &ExportMetricsServiceRequest) {
        points::insert(request, &mut self.series());
    }

    pub(crate) fn insert_logs(&self, request: &ExportLogsServiceRequest) {
        let mut kept = self.records();
        for record in convert::records(request) {
            kept.insert(record);
        }
    }

    /// Adds what an encoded request has; nothing of a malformed one.
    pub(crate) fn restore(&self, signal: Signal, body: &[u8]) {
        match signal {
            Signal::Traces => {
                if let Ok(request) = ExportTraceServiceRequest::decode(body) {
                    self.insert_spans(convert::spans(&request).0);
                }
            }
            Signal::Metrics => {
                if let Ok(request) = ExportMetricsServiceRequest::decode(body) {
                    self.insert_metrics(&request);
                }
            }
            Signal::Logs => {
                if let Ok(request) = ExportLogsServiceRequest::decode(body) {
                    self.insert_logs(&request);
                }
            }
        }
    }

    /// Spans, records and points that made room for newer ones, or did not fit.
    pub(crate) fn evicted(&self) -> u64 {
        let spans = self.traces().dropped();
        spans.evicted + spans.excess + self.records().dropped() + self.series().dropped()
    }

    pub(crate) fn usage(&self) -> Usage {
        let (mut traces, records, series) = (self.traces(), self.records(), self.series());
        let (count, spans) = traces.counts();
        Usage {
            traces: count,
            spans,
            records: records.count(),
            series: series.count(),
            bytes: traces.bytes() + records.bytes() + series.bytes(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
